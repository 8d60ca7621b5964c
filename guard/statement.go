package guard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
)

// statement is what onward knows about a statement of the command.
type statement struct {
	// description describes it without literal values of its text: "ALTER TABLE on public.users".
	description string
	// wantedLocks are the strong locks that it takes.
	wantedLocks []queue.WantedLock
	// drains: it commits in between and waits for other transactions, and blocks nobody while it
	// waits: CREATE INDEX CONCURRENTLY.
	drains bool
	// repacks is the table that it writes anew while others use it, "public.users": REPACK (CONCURRENTLY). "" for any other statement.
	repacks string
	// writes: it may write although its command tag does not say so, and although it gets no transaction ID: it acts outside of
	// the database, or its text is not known.
	writes bool
	// queries: it may do anything that a query can: call a function, fire a trigger, write through a view. Whether it wrote,
	// only the server knows.
	queries bool
	// endsTransaction: it ends the transaction block, so that what is asked after it says nothing about what was before.
	endsTransaction bool
	// standsAlone: outside a transaction block it may not share its message with another statement.
	standsAlone bool
	// idempotent: repeating it has no effect.
	idempotent bool
	// setsLockTimeout: it sets lock_timeout itself.
	setsLockTimeout bool
	// laterDrop is what it uses and a plan under way will drop; nil for nothing.
	laterDrop *analysis.LaterDrop
}

// unreadStatement returns a statement whose text is not known: it may do anything.
func unreadStatement(description string) statement {
	return statement{description: description, writes: true, standsAlone: true, endsTransaction: true}
}

// reader knows the schema that a session sees, and applies statements to it.
type reader struct {
	schema  *catalog.Catalog // nil if unknown
	version *effect.Version
	// laterDrops is what the contracts of plans under way will drop of the schema.
	laterDrops []analysis.LaterDrop
}

// readStatements parses a client's SQL and applies it to the schema.
func (r *reader) readStatements(sql string) (out []statement) {
	file, err := pgparse.SplitText(sql)
	if err != nil {
		return []statement{unreadStatement("a statement that is too large to be read")}
	}
	for i := range file.Stmts {
		st := &file.Stmts[i]
		out = append(out, r.readStatement(st.Node, sql[st.Start:st.End]))
	}
	return out
}

// leadingKeywords matches the keywords at the start of a statement, without user data.
var leadingKeywords = lazyregexp.New(`(?i)^\s*([a-z]+(?:\s+(?:table|index|unique|view|materialized|type|function|procedure|schema|sequence|trigger|policy|extension|domain|or|replace|concurrently|column|foreign|database|role))*)\b`)

func (r *reader) readStatement(node *pgparse.Node, sql string) (s statement) {
	s.description = "a statement"
	if m := leadingKeywords.FindStringSubmatch(sql); m != nil {
		s.description = strings.ToUpper(strings.Join(strings.Fields(m[1]), " "))
	}
	if node == nil {
		return unreadStatement(s.description)
	}
	defer func() {
		if recover() != nil { // a bug in the model disables only the wait for this statement
			s.wantedLocks = nil
		}
	}()
	s.addProperties(node)
	now := r.schema
	if now == nil {
		now = catalog.New()
	}
	s.addLocks(node, now, r.version)
	if block := node.GetDoStmt(); block != nil {
		r.addBlockLocks(&s, sql)
	} else if r.schema != nil {
		s.laterDrop = r.findLaterDrop(node, sql)
		r.schema, _ = now.Apply(node, sql)
	}
	return s
}

func (r *reader) findLaterDrop(node *pgparse.Node, sql string) *analysis.LaterDrop {
	for i := range r.laterDrops {
		if r.laterDrops[i].IsTouched(node, sql, r.schema, r.version) {
			return &r.laterDrops[i]
		}
	}
	return nil
}

// addBlockLocks adds the locks of the statements in a DO block.
func (r *reader) addBlockLocks(s *statement, sql string) {
	b, err := pgparse.ParseBlock(sql)
	if err != nil {
		return
	}
	for i := range b.Statements {
		file, err := pgparse.SplitText(b.Statements[i].SQL)
		if err != nil {
			continue
		}
		for j := range file.Stmts {
			if st := &file.Stmts[j]; st.Node != nil {
				inner := r.readStatement(st.Node, b.Statements[i].SQL[st.Start:st.End])
				s.wantedLocks = append(s.wantedLocks, inner.wantedLocks...)
				s.laterDrop = cmp.Or(s.laterDrop, inner.laterDrop)
			}
		}
	}
}

// addLocks records the strong locks that a statement takes on existing objects.
func (s *statement) addLocks(node *pgparse.Node, now *catalog.Catalog, v *effect.Version) {
	result := effect.EffectOf(node, now, v, effect.Inputs{})
	// CONCURRENTLY drains whatever its names mean: they may be in a schema that is not known.
	s.drains = strings.Contains(result.NoTransaction, "CONCURRENTLY") ||
		result.NoTransaction != "" && slices.ContainsFunc(result.Effects, func(e effect.Effect) bool { return e.Waits })
	var names []string
	list := result.PublicEffects()
	for i := range list {
		if e := &list[i]; e.Lock.BlocksWrites() && !result.Effects[i].Created {
			s.wantedLocks = append(s.wantedLocks, queue.WantedLock{Relation: e.Relation, Lock: e.Lock})
			names = append(names, e.Relation)
		}
	}
	if s.drains {
		s.wantedLocks = nil
	}
	s.recordRepackedTable(node, &result)
	if len(names) > 0 && s.repacks == "" {
		s.description += " on " + strings.Join(names[:min(3, len(names))], ", ")
	}
}

// addProperties records the properties that a command tag does not show.
func (s *statement) addProperties(node *pgparse.Node) {
	s.standsAlone = true
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.SelectStmt:
		s.queries, s.standsAlone, s.writes = true, false, n.GetIntoClause() != nil
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.ExplainStmt, *pgparse.ExecuteStmt:
		s.queries, s.standsAlone = true, false
	case *pgparse.CopyStmt:
		s.queries, s.standsAlone = true, false
		s.writes = n.GetIsFrom() || n.GetIsProgram() || n.GetFilename() != ""
	case *pgparse.FetchStmt:
		s.queries = true
	case *pgparse.DeclareCursorStmt:
		s.queries, s.writes = true, n.GetOptions()&cursorHold != 0 // its query runs at the COMMIT
	case *pgparse.TransactionStmt:
		s.endsTransaction = !slices.Contains(blockStatements, n.GetKind())
	case *pgparse.DoStmt, *pgparse.CallStmt:
		s.queries = true // outside a block it may end the transaction, so nothing is asked
	case *pgparse.CreateStmt:
		s.idempotent = n.GetIfNotExists()
	case *pgparse.CreateSchemaStmt:
		s.idempotent = n.GetIfNotExists()
	case *pgparse.CreateExtensionStmt:
		s.idempotent = n.GetIfNotExists()
	case *pgparse.CreateSeqStmt:
		s.idempotent = n.GetIfNotExists()
	case *pgparse.IndexStmt:
		s.idempotent = n.GetIfNotExists() && !n.GetConcurrent()
	case *pgparse.VariableSetStmt:
		s.setsLockTimeout = strings.EqualFold(n.GetName(), "lock_timeout") && len(n.GetArgs()) > 0
	}
}

// cursorHold is Postgres' bit for WITH HOLD.
const cursorHold = 0x20

// blockStatements are the kinds of transaction statements that leave the block open.
var blockStatements = []pgparse.TransactionStmtKind{
	pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START, pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT,
	pgparse.TransactionStmtKind_TRANS_STMT_RELEASE, pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO,
}

// quietTags are the tags of statements that leave nothing persistent.
var quietTags = []string{
	"BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET", "RESET", "SHOW", "DISCARD", "LISTEN", "UNLISTEN", "NOTIFY",
	"DECLARE CURSOR", "FETCH", "MOVE", "CLOSE CURSOR", "DEALLOCATE", "PREPARE", "EXPLAIN", "LOCK TABLE", "CHECKPOINT", "VACUUM", "ANALYZE", "LOAD",
}

// rowsTag finds the number of rows in a command tag: "INSERT 0 3", "UPDATE 3".
var rowsTag = lazyregexp.New(`^(INSERT \d+|UPDATE|DELETE|MERGE) (\d+)$`)

// hasWritten reports whether a finished statement, by its command tag, has left something that would be duplicated if the
// statement was repeated. If the server is asked for a transaction ID, a query need not be judged by its text.
func (s *statement) hasWritten(tag string, asked bool) bool {
	if s.writes {
		return true
	}
	if m := rowsTag.FindStringSubmatch(tag); m != nil && m[2] != "0" {
		return true // also rows of a foreign table, which need no transaction ID here
	}
	if s.queries {
		return !asked
	}
	word := strings.TrimRight(tag, " 0123456789")
	quiet := slices.ContainsFunc(quietTags, func(q string) bool { return word == q || q == "DISCARD" && strings.HasPrefix(word, q) })
	return !quiet && !s.idempotent
}
