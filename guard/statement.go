package guard

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
)

// statement is what is known of one that the command sends.
type statement struct {
	// words name it without a value of its text: "ALTER TABLE on public.users".
	words string
	// wanted are the strong locks that it takes.
	wanted []queue.Wanted
	// drains: it commits in between and waits for the transactions of others, and nobody waits
	// behind that: CREATE INDEX CONCURRENTLY.
	drains bool
	// writes: it may write although its tag does not say so.
	writes bool
	// again: run twice it does nothing the second time.
	again bool
	// sets: it sets lock_timeout itself.
	sets bool
}

// reader knows the schema as a session sees it, and what statements do to it.
type reader struct {
	schema  *catalog.Catalog // nil: it is not known
	version *effect.Version
}

// read takes what a client sent apart, and folds it.
func (r *reader) read(sql string) (out []statement) {
	file, err := pgparse.Split(sql)
	if err != nil {
		return []statement{{words: "a statement that is too large to be read", writes: true}}
	}
	for i := range file.Stmts {
		st := &file.Stmts[i]
		out = append(out, r.one(st.Node, sql[st.Start:st.End]))
	}
	return out
}

// verb is what a statement begins with, in words that hold nothing of the user's.
var verb = regexp.MustCompile(`(?i)^\s*([a-z]+(?:\s+(?:table|index|unique|view|materialized|type|function|procedure|schema|sequence|trigger|policy|extension|domain|or|replace|concurrently|column|foreign|database|role))*)\b`)

func (r *reader) one(node *pgparse.Node, sql string) (s statement) {
	s.words = "a statement"
	if m := verb.FindStringSubmatch(sql); m != nil {
		s.words = strings.ToUpper(strings.Join(strings.Fields(m[1]), " "))
	}
	if node == nil {
		s.writes = true
		return s
	}
	defer func() {
		if recover() != nil { // what the model cannot do costs the wait, not the migration
			s.wanted = nil
		}
	}()
	s.character(node)
	now := r.schema
	if now == nil {
		now = catalog.New()
	}
	s.locks(node, now, r.version)
	if block := node.GetDoStmt(); block != nil {
		r.block(&s, sql)
	} else if r.schema != nil {
		r.schema, _ = now.Apply(node, sql)
	}
	return s
}

// block adds what the statements of a DO block lock.
func (r *reader) block(s *statement, sql string) {
	b, err := pgparse.ParseBlock(sql)
	if err != nil {
		return
	}
	for i := range b.Statements {
		file, err := pgparse.Split(b.Statements[i].SQL)
		if err != nil {
			continue
		}
		for j := range file.Stmts {
			if st := &file.Stmts[j]; st.Node != nil {
				inner := r.one(st.Node, b.Statements[i].SQL[st.Start:st.End])
				s.wanted = append(s.wanted, inner.wanted...)
			}
		}
	}
}

// locks notes the strong locks that a statement takes on what others may use.
func (s *statement) locks(node *pgparse.Node, now *catalog.Catalog, v *effect.Version) {
	result := effect.Of(node, now, v, effect.Session{})
	s.drains = result.NoTransaction != "" && slices.ContainsFunc(result.Effects, func(e effect.Effect) bool { return e.Waits })
	var names []string
	list := result.Onward()
	for i := range list {
		if e := &list[i]; e.Lock.BlocksWrites() && !result.Effects[i].Created {
			s.wanted = append(s.wanted, queue.Wanted{Relation: e.Relation, Lock: e.Lock})
			names = append(names, e.Relation)
		}
	}
	if s.drains {
		s.wanted = nil
	}
	if len(names) > 0 {
		s.words += " on " + strings.Join(names[:min(3, len(names))], ", ")
	}
}

// character tells what a tag does not.
func (s *statement) character(node *pgparse.Node) {
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.SelectStmt:
		s.writes = n.GetIntoClause() != nil || writing(n)
	case *pgparse.CopyStmt:
		s.writes = n.GetIsFrom()
	case *pgparse.DoStmt, *pgparse.CallStmt, *pgparse.ExecuteStmt:
		s.writes = true
	case *pgparse.CreateStmt:
		s.again = n.GetIfNotExists()
	case *pgparse.CreateSchemaStmt:
		s.again = n.GetIfNotExists()
	case *pgparse.CreateExtensionStmt:
		s.again = n.GetIfNotExists()
	case *pgparse.CreateSeqStmt:
		s.again = n.GetIfNotExists()
	case *pgparse.IndexStmt:
		s.again = n.GetIfNotExists() && !n.GetConcurrent()
	case *pgparse.VariableSetStmt:
		s.sets = strings.EqualFold(n.GetName(), "lock_timeout") && len(n.GetArgs()) > 0
	}
}

// harmless are functions of the server's own that change something, but nothing that stays.
var harmless = []string{"set_config"}

// writing reports whether a query writes, or calls what may.
func writing(root any) (found bool) {
	pgparse.Walk(root, func(msg any) bool {
		switch n := msg.(type) {
		case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			found = true
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(n.GetFuncname())
			own := (schema == "" || schema == "pg_catalog") && builtin.Known(name)
			found = found || !own && !slices.Contains(harmless, name)
		}
		return !found
	})
	return found
}

// quiet are the tags of what leaves nothing behind.
var quiet = []string{
	"BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET", "RESET", "SHOW", "DISCARD", "LISTEN", "UNLISTEN", "NOTIFY",
	"DECLARE CURSOR", "FETCH", "MOVE", "CLOSE CURSOR", "DEALLOCATE", "PREPARE", "EXPLAIN", "LOCK TABLE", "CHECKPOINT", "VACUUM", "ANALYZE", "LOAD",
}

// rows finds the number of rows in a tag: "INSERT 0 3", "UPDATE 3".
var rows = regexp.MustCompile(`^(INSERT \d+|UPDATE|DELETE|MERGE|COPY) (\d+)$`)

// wrote reports whether a statement that was done, as its tag says, left something that would be
// there twice if it was run again.
func (s *statement) wrote(tag string) bool {
	if m := rows.FindStringSubmatch(tag); m != nil {
		return m[2] != "0" && (m[1] != "COPY" || s.writes)
	}
	word := strings.TrimRight(tag, " 0123456789")
	if word == "SELECT" || slices.ContainsFunc(quiet, func(q string) bool { return word == q || q == "DISCARD" && strings.HasPrefix(word, q) }) {
		return s.writes
	}
	return !s.again
}
