package replay

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

// madeSchema is a schema that the command makes, from its making to its drop.
type madeSchema struct {
	name       string
	begin, end int
}

// schemaSession is what is known of a session while the schemas of its messages are found.
type schemaSession struct {
	// begun is the schema that its startup message says; current is the one that it named last: in its search path, or before a table.
	begun, current string
	owner          int
}

// SplitSchemas returns a lane for each schema that the command makes in the database, with the messages of the sessions that work in it, and what returns
// a lane with the rest without some of them, by their indexes. The lanes have no setup.
func (d *DatabaseLane) SplitSchemas() (lanes []DatabaseLane, listRest func(takenSchemas map[int]bool) DatabaseLane) {
	whole := d.Setup
	whole.End = d.Tests.End
	owners, schemas := whole.listOwners(d.messages.statements)
	for i, s := range schemas {
		lane := DatabaseLane{Tests: whole, Created: true, Schema: s.name, messages: d.messages, copied: s.end}
		lane.Tests.Begin, lane.Tests.End, lane.Tests.owners, lane.Tests.owned = s.begin, s.end, owners, map[int]bool{i + 1: true}
		lanes = append(lanes, lane)
	}
	return lanes, func(takenSchemas map[int]bool) DatabaseLane {
		if len(takenSchemas) == 0 {
			return *d
		}
		rest := *d
		rest.Tests = whole
		rest.Tests.owners, rest.Tests.owned = owners, map[int]bool{0: true}
		for i := range schemas {
			if !takenSchemas[i] {
				rest.Tests.owned[i+1], rest.Tests.owned[-i-1] = true, true
			}
		}
		if rest.Guessed { // by what was sent to the schemas, too
			return rest.EndSetup(whole.Begin)
		}
		return rest.EndSetup(d.Setup.End)
	}
}

// listOwners returns by events the schema that their session works in: the number of a made schema from 1 on, the negative number of one that is dropped by the
// message, or 0 for none.
func (l *Lane) listOwners(statements map[int][]*pgparse.Node) (owners []int, schemas []*madeSchema) {
	owners = make([]int, len(l.Transcript.Events))
	live, sessions := map[string]int{}, map[int]*schemaSession{}
	for i := l.Begin; i < l.End; i++ {
		e := &l.Transcript.Events[i]
		if !l.isInDatabase(e) {
			continue
		}
		s := sessions[e.Session]
		if s == nil {
			path := wire.ReadSearchPath(l.Transcript.Sessions[e.Session].Parameters)
			initialSchema := firstSchema(workload.PathSchemas(path), "public")
			s = &schemaSession{begun: initialSchema, current: initialSchema}
			sessions[e.Session] = s
		}
		if e.Source == transcript.Client {
			dropped := 0
			for _, st := range statements[i] {
				for _, name := range listDroppedSchemas(st) {
					if number := live[name]; number > 0 {
						schemas[number-1].end, dropped = i, number
						delete(live, name)
					}
				}
				if create := st.GetCreateSchemaStmt(); create != nil && create.GetSchemaname() != "" && live[create.GetSchemaname()] == 0 {
					schemas = append(schemas, &madeSchema{create.GetSchemaname(), i, l.End})
					live[create.GetSchemaname()] = len(schemas)
					s.current, dropped = create.GetSchemaname(), 0
				}
				s.trackSchema(st, live)
			}
			if s.owner = live[s.current]; dropped > 0 {
				s.owner = -dropped
			}
		}
		owners[i] = s.owner
	}
	return owners, schemas
}

// trackSchema notes the schema that a statement names.
func (s *schemaSession) trackSchema(st *pgparse.Node, live map[string]int) {
	if set := st.GetVariableSetStmt(); set != nil {
		switch {
		case set.GetName() == "search_path" && len(set.GetArgs()) > 0:
			var schemas []string
			for _, arg := range set.GetArgs() {
				if name := arg.GetAConst().GetSval().GetSval(); name != "" && name != "$user" {
					schemas = append(schemas, name)
				}
			}
			s.current = firstSchema(schemas, s.begun)
		case set.GetName() == "search_path", set.GetKind() == pgparse.VariableSetKind_VAR_RESET_ALL:
			s.current = s.begun
		}
		return
	}
	pgparse.Walk(st, func(n any) bool {
		switch n := n.(type) {
		case *pgparse.RangeVar:
			if live[n.GetSchemaname()] > 0 {
				s.current = n.GetSchemaname()
			}
		case *pgparse.FuncCall:
			name, args := n.GetFuncname(), n.GetArgs()
			if len(name) > 0 && name[len(name)-1].GetString_().GetSval() == "set_config" && len(args) > 1 &&
				args[0].GetAConst().GetSval().GetSval() == "search_path" {
				s.current = firstSchema(workload.PathSchemas(args[1].GetAConst().GetSval().GetSval()), s.begun)
			}
		}
		return true
	})
}

// listDroppedSchemas returns the schemas that a statement drops.
func listDroppedSchemas(st *pgparse.Node) (names []string) {
	if drop := st.GetDropStmt(); drop.GetRemoveType() == pgparse.ObjectType_OBJECT_SCHEMA {
		for _, object := range drop.GetObjects() {
			names = append(names, object.GetString_().GetSval())
		}
	}
	return names
}

// firstSchema returns the first schema of a search path; otherwise if it has none.
func firstSchema(path []string, otherwise string) string {
	if len(path) == 0 {
		return otherwise
	}
	return path[0]
}

// HashSetup returns a hash of the first messages of a schema's lane, and the event after the answer to the last one. It is equal for schemas that the same
// messages make, but for the name. ok is false if the lane has fewer.
func (d *DatabaseLane) HashSetup(count int) (sum [sha256.Size]byte, end int, ok bool) {
	h, l := sha256.New(), &d.Tests
	seen, session := 0, -1
	for i := l.Begin; i < l.End; i++ {
		if !l.hasEvent(i) {
			continue
		}
		switch e := &l.Transcript.Events[i]; {
		case e.Source == transcript.Client && seen < count:
			seen, session = seen+1, e.Session
			h.Write([]byte{e.Kind})
			h.Write([]byte(strings.ReplaceAll(string(e.Body), d.Schema, "\x01")))
		case e.Source == transcript.Server && e.Kind == 'Z' && seen == count && e.Session == session:
			return [sha256.Size]byte(h.Sum(nil)), i + 1, true
		}
	}
	return sum, 0, false
}

// CountMessages returns how many messages of clients the lane has before an event.
func (l *Lane) CountMessages(end int) int {
	n := 0
	for i := l.Begin; i < min(end, l.End); i++ {
		if l.hasEvent(i) && l.Transcript.Events[i].Source == transcript.Client {
			n++
		}
	}
	return n
}

// UsesObjects reports whether the lane has a statement that needs a table or function of its database.
func (d *DatabaseLane) UsesObjects() bool {
	l := d.Setup
	l.End = d.Tests.End
	for i := l.Begin; i < l.End; i++ {
		e := &l.Transcript.Events[i]
		if e.Source != transcript.Client || !l.isInDatabase(e) || l.owners != nil && !l.owned[l.owners[i]] {
			continue
		}
		if text := sentText(e); len(d.messages.statements[i]) == 0 && strings.Trim(text, " ;\n\t") != "" {
			return true // it cannot be read
		}
		if slices.ContainsFunc(d.messages.statements[i], usesObjects) {
			return true
		}
	}
	return false
}

// serverFunctions are the server's own that suites call before they have a schema.
var serverFunctions = []string{"version", "set_config", "current_setting", "current_database", "now", "count"}

func usesObjects(st *pgparse.Node) bool {
	switch {
	case st.GetVariableSetStmt() != nil, st.GetVariableShowStmt() != nil, st.GetTransactionStmt() != nil, st.GetDiscardStmt() != nil,
		st.GetCreatedbStmt() != nil, st.GetDropdbStmt() != nil, st.GetCreateSchemaStmt() != nil, len(listDroppedSchemas(st)) > 0,
		st.GetAlterDatabaseSetStmt() != nil, st.GetAlterDatabaseStmt() != nil:
		return false
	case st.GetSelectStmt() == nil:
		return true
	}
	uses := false
	pgparse.Walk(st, func(n any) bool {
		switch n := n.(type) {
		case *pgparse.RangeVar:
			uses = uses || n.GetSchemaname() != "pg_catalog" && !strings.HasPrefix(n.GetRelname(), "pg_")
		case *pgparse.FuncCall:
			name := n.GetFuncname()
			last := name[len(name)-1].GetString_().GetSval()
			uses = uses || !strings.HasPrefix(last, "pg_") && !slices.Contains(serverFunctions, last)
		}
		return true
	})
	return uses
}
