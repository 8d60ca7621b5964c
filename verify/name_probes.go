package verify

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
)

// probe asks the server for what it looks up only when it runs a query: a name in a literal. Its answer is true, or
// false if the role may not use a sequence.
type probe struct {
	sql  string
	args [][]byte
	name string
}

// sequencePrivileges has, for each function, the privileges of which a caller needs one
// (https://www.postgresql.org/docs/current/functions-sequence.html).
var sequencePrivileges = map[string]string{"nextval": "USAGE, UPDATE", "currval": "USAGE, SELECT", "setval": "UPDATE"}

// readNameParameters finds the parameters that name something.
func (q *recordedQuery) readNameParameters(node *pgparse.Node) {
	q.nameParams, q.sequences = workload.NameParams(node), map[int]string{}
	pgparse.Walk(node, func(msg any) bool {
		f, isCall := msg.(*pgparse.FuncCall)
		if !isCall || len(f.Funcname) == 0 || len(f.Args) == 0 {
			return true
		}
		needs := sequencePrivileges[f.Funcname[len(f.Funcname)-1].GetString_().GetSval()]
		arg := f.Args[0]
		for arg.GetTypeCast() != nil {
			arg = arg.GetTypeCast().GetArg()
		}
		if p := arg.GetParamRef(); p != nil && needs != "" {
			q.sequences[int(p.GetNumber())] = needs
		}
		return true
	})
	for _, n := range q.Names {
		for _, value := range n.Values {
			q.names[unqualifiedName(value)] = true
		}
	}
}

// nameProbes returns the probes of a query.
func (q *recordedQuery) nameProbes() []probe {
	var out []probe
	for i := range q.Names {
		n := &q.Names[i]
		for _, value := range n.Values {
			p := probe{name: value, args: [][]byte{[]byte(value)}}
			needs := q.sequences[n.Param]
			switch {
			case needs != "":
				p.sql = "SELECT pg_catalog.has_sequence_privilege($1::pg_catalog.text::pg_catalog.regclass, '" + needs + "')"
			case workload.IsNameType(n.Type):
				p.sql = "SELECT $1::pg_catalog.text::pg_catalog." + n.Type + " IS NOT NULL"
			case n.Type == workload.ColumnName && i > 0 && len(q.Names[i-1].Values) == 1:
				p.sql, p.args = "SELECT pg_catalog.pg_get_serial_sequence($1, $2) IS DISTINCT FROM ''", [][]byte{[]byte(q.Names[i-1].Values[0]), []byte(value)}
			default:
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// readProbe reads the answer to a probe.
func (x *answer) readProbe(q *recordedQuery, i int, rows [][][]byte) {
	if len(rows) == 1 && len(rows[0]) == 1 && string(rows[0][0]) == "f" && x.refused == nil {
		x.refused = &pgconn.PgError{Severity: "ERROR", Code: "42501", Message: fmt.Sprintf("permission denied for sequence %s", q.nameProbes()[i].name)}
	}
}
