package verify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/scratch"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// unjudgedReason is why a query without an error cannot be called checked or untouched; "" if it can.
func (c *checker) unjudgedReason(q *recordedQuery) string {
	switch {
	case c.lacksRole(q):
		return fmt.Sprintf("its role %q is not in the schema, so nobody knows what it may do", q.Role)
	case q.timedOut:
		return "the server did not answer in " + askTimeout
	}
	return cmp.Or(c.findAmbiguousFold(q), c.explainUnknownName(q), c.explainChangedFunction(q))
}

// explainUnreachedEnd explains why a failure of the new code proves nothing: the release ended before its last point, so the schema
// for the new code does not exist.
func (c *checker) explainUnreachedEnd(q *recordedQuery, list []onward.Verdict) string {
	if !c.stopped || q.code != onward.NewCode || !slices.ContainsFunc(list, failsAtEnd) {
		return ""
	}
	return "the release ended at an error, so the schema that it needs may be missing"
}

// lacksRole reports whether a query was sent by a role that the schema does not have.
func (c *checker) lacksRole(q *recordedQuery) bool {
	_, exists := c.moments[0].schema.roles[q.Role]
	return q.Role != "" && !exists
}

// explainUnknownName finds a parameter that names something, and the recording does not say what.
func (c *checker) explainUnknownName(q *recordedQuery) string {
	base := c.moments[0].schema
	tables := 0
	for i, oid := range q.states[0].params {
		kind := cmp.Or(q.nameParams[i+1], base.typeNames[oid])
		if q.nameParams[i+1] == "" && !workload.IsNameType(kind) {
			continue
		}
		n := q.recordedName(i + 1)
		if n == nil || n.Partial || len(n.Values) == 0 {
			return fmt.Sprintf("$%d names a %s, and the recording does not say which", i+1, kind)
		}
		if kind == workload.TableName && q.nameParams[i+2] == workload.ColumnName {
			tables = len(n.Values)
		}
		if kind == workload.ColumnName && (tables > 1 || len(n.Values) > 1) {
			return fmt.Sprintf("$%d names columns of several tables, and the recording does not say of which", i+1)
		}
	}
	return ""
}

// explainChangedFunction finds a function that runs with the query, was changed, and may do anything.
func (c *checker) explainChangedFunction(q *recordedQuery) string {
	if q.mustWorkAtEnd() {
		return ""
	}
	base := c.moments[0]
	for _, s := range q.states[1:] {
		m := c.moments[s.point]
		for oid, w := range q.writtenTables(base) {
			before, after := base.relations[oid], m.relations[oid]
			if before == nil || after == nil {
				continue
			}
			if before.Helpers != after.Helpers && (w.inserts || w.updates) {
				return fmt.Sprintf("a function that a default, constraint or policy of table %q calls has changed", after.Name)
			}
			for _, t := range after.findNewTriggers(before, w) {
				if t.runsStatements() {
					return fmt.Sprintf("trigger %q of table %q runs statements that are not judged", t.Name, after.Name)
				}
			}
		}
	}
	return ""
}

// listAskingRoles are the roles as which queries were asked, the owner first.
func (c *checker) listAskingRoles() []onward.VerifiedRole {
	count := map[string]int{}
	for _, q := range c.queries {
		if c.lacksRole(q) {
			count[""]++
		} else {
			count[q.Role]++
		}
	}
	var out []onward.VerifiedRole
	for _, role := range slices.Sorted(maps.Keys(count)) {
		out = append(out, onward.VerifiedRole{Role: role, Queries: count[role]})
	}
	return out
}

// recordedName is what the recording says that a parameter names; nil for nothing.
func (q *recordedQuery) recordedName(param int) *workload.Name {
	i := slices.IndexFunc(q.Names, func(n workload.Name) bool { return n.Param == param })
	if i < 0 {
		return nil
	}
	return &q.Names[i]
}

// unqualifiedName is a name without its schema, as the server folds it.
func unqualifiedName(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	if quoted, ok := strings.CutPrefix(name, `"`); ok {
		return strings.TrimSuffix(quoted, `"`)
	}
	name, _, _ = strings.Cut(name, "(")
	return strings.ToLower(strings.TrimSpace(name))
}

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

// useRunningSchema puts the schema of a running database in the place of the deployed migrations. The
// audit reads the database itself; the server gets what pg_dump writes of it, which is the
// one rendering of a schema that servers are sure to take.
func (c *Config) useRunningSchema(ctx context.Context) (forget func(), err error) {
	if c.From == "" {
		return func() {}, nil
	}
	if c.Schema != "" || c.Dump != "" {
		return nil, &config.InputError{Err: errors.New("the deployed schema comes from a database, or from a file, not from both")}
	}
	dir, remove, err := scratch.Make("verify")
	if err != nil {
		return nil, err
	}
	forget = func() { _ = remove() }
	file := filepath.Join(dir, "schema.sql")
	if err := dumpSchema(ctx, c.From, file); err != nil {
		forget()
		return nil, err
	}
	c.DB, c.Dump = c.From, file
	return forget, nil
}

// dumpSchema writes the schema of a database to a file. The password is in no list of processes.
func dumpSchema(ctx context.Context, from, file string) error {
	cfg, err := pgx.ParseConfig(from)
	if err != nil {
		return &address.Error{} // the driver's may quote what it could not read
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect to the database of --from: %w", address.RedactError(err, from))
	}
	version := conn.PgConn().ParameterStatus("server_version")
	_ = conn.Close(ctx)
	major, _ := strconv.Atoi(version[:len(version)-len(strings.TrimLeft(version, "0123456789"))])
	program, err := pgserver.Program("pg_dump", major)
	if err != nil {
		return fmt.Errorf("read the schema of --from: %w; or, if a database has it, write it with pg_dump --schema-only, and name the file with --schema", err)
	}
	cmd := exec.CommandContext(ctx, program, "--schema-only", "--no-owner", "--no-tablespaces", "--no-publications", "--no-subscriptions", "--file", file)
	cmd.Env = append(os.Environ(), "PGHOST="+cfg.Host, fmt.Sprintf("PGPORT=%d", cfg.Port), "PGUSER="+
		cfg.User, "PGPASSWORD="+cfg.Password, "PGDATABASE="+cfg.Database,
		"PGAPPNAME=onward", "PGCONNECT_TIMEOUT=10", "PGOPTIONS=-c lock_timeout=2s -c statement_timeout=60s")
	if mode := sslMode(from); mode != "" {
		cmd.Env = append(cmd.Env, "PGSSLMODE="+mode)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("read the schema of --from: %w", address.RedactError(fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String())), from))
	}
	return nil
}

// sslMode returns the sslmode of an address.
func sslMode(from string) string {
	if u, err := url.Parse(from); err == nil && u.Scheme != "" {
		return u.Query().Get("sslmode")
	}
	for word := range strings.FieldsSeq(from) {
		if mode, ok := strings.CutPrefix(word, "sslmode="); ok {
			return mode
		}
	}
	return ""
}

// addFolds keeps the folds of recordings.
func (c *checker) addFolds(loads []*Workload) {
	for _, load := range loads {
		c.folds = workload.MergeFolds(c.folds, load.Folds)
	}
}

// findAmbiguousFold finds a query that was recorded in several schemas of the deployed schema, and was folded: one of them may break
// alone.
func (c *checker) findAmbiguousFold(q *recordedQuery) string {
	if !q.Folded {
		return ""
	}
	for _, f := range c.folds {
		if f.Kind != workload.FoldSchema || !q.usesSchema(f.Into) {
			continue
		}
		for _, o := range c.moments[0].schema.relations {
			if o.schema != f.Into && slices.Contains(f.Names, o.schema) {
				return fmt.Sprintf("the recording folded schema %q into %q, and the deployed schema has it: record with --fold none", o.schema, f.Into)
			}
		}
	}
	return ""
}

// usesSchema reports whether a query may use a schema. One of which nothing is known may.
func (q *recordedQuery) usesSchema(name string) bool {
	if len(q.Uses) == 0 || name == "public" && q.SearchPath == "" || slices.Contains(workload.PathSchemas(q.SearchPath), name) {
		return true
	}
	return slices.ContainsFunc(q.Uses, func(u workload.Use) bool { return strings.HasPrefix(u.Relation, name+".") })
}

// foldNotes say which schemas a recording counts as one.
func (c *checker) foldNotes() []string {
	var out []string
	for _, f := range c.folds {
		if f.Kind == workload.FoldSchema {
			out = append(out, fmt.Sprintf("the recording counts %s as %s: their names are like %s, and the recording lists them",
				prose.CountNoun(len(f.Names), "schema"), f.Into, f.Pattern))
		}
	}
	return out
}
