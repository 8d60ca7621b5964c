package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
)

// A migration that tried to reach out of its database differs from one that only
// needs a superuser: the first is a warning to whoever reads the branch. Two
// things count as such: what was refused to it, and what it left for other
// sessions to run (planted_code.go).

// migrationRole is the role that runs the migrations.
var migrationRole = outside.Role{roleName}

// ownNames are names of the rehearsal. A migration that changes these objects
// knows that it is in a rehearsal.
var ownNames = []string{lookName, watchName, "onward_rehearsal", "onward_rehearsal_start", "onward_rehearsal_end", workshop}

// attemptedEscape says what a refused statement tried to reach; "" if well-meaning
// migrations do the same.
func attemptedEscape(stop *migrationFailure) string {
	var pg *pgconn.PgError
	if !errors.As(stop.err, &pg) || stop.statement == nil {
		return ""
	}
	// Refused to the role, or to the server's process by its sandbox.
	if pg.Code != "42501" && !strings.HasPrefix(pg.Code, "38") && !strings.HasPrefix(pg.Code, "58") {
		return ""
	}
	if attempt := escapeInStatement(stop.statement.Node, stop.statement.SQL); attempt != "" {
		return attempt
	}
	return escapeInText(innermostStatement(pg.Where))
}

// attemptedEscapeInFile does the same for a refused statement of a dump.
func attemptedEscapeInFile(err error) string {
	var st *fill.StatementError
	if !errors.As(err, &st) {
		return ""
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return escapeInText(st.SQL)
	}
	return ""
}

// escapeInText is escapeInStatement for a text with one statement; "" for any other text.
func escapeInText(inner string) string {
	if f, err := pgparse.SplitText(inner); err == nil && len(f.Stmts) == 1 {
		return escapeInStatement(f.Stmts[0].Node, inner)
	}
	return ""
}

// escapeInStatement says what a statement does beyond its database, if no well-meaning one
// does that.
func escapeInStatement(n *pgparse.Node, sql string) string {
	for _, a := range migrationRole.Statement(n) {
		if !a.Honest {
			return a.Does
		}
	}
	if n.GetDoStmt() == nil && slices.ContainsFunc(pgparse.ListNames(sql), func(name string) bool { return slices.Contains(ownNames, name) }) {
		return "changes what is the rehearsal's own"
	}
	return ""
}

// reportCaughtEscapes finds attempts that did not stop the migration: a block caught the
// error, or there was none, because before 15 a role may grant itself to others.
func (v *version) reportCaughtEscapes(step *step, stop *migrationFailure) {
	if v.Superuser {
		return // nothing is refused to a superuser
	}
	for _, st := range succeededStatements(step.script, stop) {
		attempt := escapeInStatement(st.Node, st.SQL)
		if attempt == "" || st.Parent < 0 && createsNothing(st.Node) { // it only calls onward's own functions
			continue
		}
		if st.Parent >= 0 {
			attempt += ", in a block that goes on without it"
		}
		v.addFinding(release.RehearsalTriedToEscape, step, st, "it "+attempt, "", "")
	}
}

// succeededStatements returns the statements of a script that succeeded.
func succeededStatements(sc *script.Script, stop *migrationFailure) []*script.Statement {
	if stop == nil || stop.statement == nil {
		return sc.Statements
	}
	return sc.Statements[:stop.statement.Index]
}

// inspectPlantedCode looks for code that a migration has planted in a database. sc is what
// ran, up or down.
func (v *version) inspectPlantedCode(ctx context.Context, conn querier, step *step, sc *script.Script, stop *migrationFailure) error {
	if len(sc.Statements) == 0 {
		return nil
	}
	planted, err := v.reportNewPlantedCode(ctx, conn, step, sc)
	if planted == nil || v.Superuser {
		return err
	}
	for _, st := range succeededStatements(sc, stop) {
		if name, effect := planted.findCalledPlant(st.Node); effect != "" {
			v.addPlantedCodeFinding(step, sc, st, fmt.Sprintf("it calls %s, which %s", name, effect))
		}
	}
	return nil
}

// reportNewPlantedCode reports planted code that was not there before.
func (v *version) reportNewPlantedCode(ctx context.Context, conn querier, step *step, sc *script.Script) (*plantedCode, error) {
	planted, err := findPlantedCode(ctx, conn)
	if isStatementFailure(err) { // a superuser's migration may have ended this session too
		v.Logger.Debug("look for what others would run", "error", err)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for what others would run: %w", err)
	}
	type place struct{ line, column int } // a loop plants several with one statement
	plantsByPlace := map[place][]plant{}
	for _, t := range planted.list {
		if !v.knownPlants[t.object] {
			v.knownPlants[t.object] = true
			st := findPlantedCodeOrigin(sc, t)
			position := place{st.Line, st.Column}
			plantsByPlace[position] = append(plantsByPlace[position], t)
		}
	}
	for _, st := range sc.Statements {
		position := place{st.Line, st.Column}
		if list := plantsByPlace[position]; len(list) > 0 {
			delete(plantsByPlace, position)
			fact := list[0].describePlant()
			if len(list) > 1 {
				fact += "; it makes more of the kind" // their number differs between server versions
			}
			v.addPlantedCodeFinding(step, sc, st, fact)
		}
	}
	return planted, nil
}

// reportPlantedCodeBefore looks for planted code in the middle of a migration, before a statement that
// may remove them: other sessions could have run into them since they were
// committed.
func (s *releaseRun) reportPlantedCodeBefore(ctx context.Context, next *script.Statement) error {
	n := next.Node
	if n.GetDropStmt() == nil && n.GetCreateFunctionStmt() == nil && n.GetRenameStmt() == nil && !mayRunNestedSQL(next) {
		return nil
	}
	if !slices.ContainsFunc(s.script.Statements[:next.Index], func(st *script.Statement) bool {
		return st.Node.GetCreateFunctionStmt() != nil || mayRunNestedSQL(st)
	}) {
		return nil
	}
	i := slices.IndexFunc(s.steps, func(step *step) bool { return step.Report == s.migration })
	_, err := s.reportNewPlantedCode(ctx, s.runner.catalogConn, s.steps[i], s.script)
	return err
}

// recordBasePlantedCode records the planted code of the base, which does not count against the
// release.
func (v *version) recordBasePlantedCode(ctx context.Context, conn querier) error {
	planted, err := findPlantedCode(ctx, conn)
	if err != nil {
		return fmt.Errorf("look for what others would run: %w", err)
	}
	for _, t := range planted.list {
		v.knownPlants[t.object] = true
	}
	return nil
}

// addPlantedCodeFinding adds a finding at a statement of a migration, up or down.
func (v *version) addPlantedCodeFinding(step *step, sc *script.Script, statement *script.Statement, fact string) {
	if sc != step.script {
		fact = fmt.Sprintf("in the down migration, at line %d: %s", statement.Line, fact)
		statement = step.firstStatement()
	}
	v.addFinding(release.RehearsalTriedToEscape, step, statement, fact, "", "")
}

// maskedEscape reports what a failed statement attempted beyond its database if its error does
// not show that. Its block, or a function that the migration makes, may have caught the refusal
// and raised another error. "" means nothing.
func maskedEscape(sc *script.Script, stop *migrationFailure) string {
	if stop.statement == nil {
		return ""
	}
	m := maskedCode{functions: map[string][]string{}, seen: map[string]bool{}}
	for _, st := range sc.Statements {
		m.recordFunction(st.Node)
		if st.Parent == stop.statement.Index {
			m.noteEscape(escapeInStatement(st.Node, st.SQL))
		}
	}
	m.readStatement(stop.statement.Node)
	var pg *pgconn.PgError
	if errors.As(stop.err, &pg) {
		for _, found := range calledFunction.FindAllStringSubmatch(pg.Where, -1) {
			m.readFunction(found[1])
		}
	}
	return m.escape
}

// calledFunction matches the name of a function in the context of an error, without its schema.
var calledFunction = lazyregexp.New(`(?:PL/pgSQL|SQL) function (?:"?[^\s"(]+"?\.)?"?([^\s"(.]+)"?(?:\(| during| statement)`)

// maskedCode reads the code that ran inside a failed statement.
type maskedCode struct {
	functions map[string][]string // alternating languages and bodies of the migration's functions, by name
	seen      map[string]bool
	escape    string
}

func (m *maskedCode) noteEscape(attempt string) {
	if m.escape == "" {
		m.escape = attempt
	}
}

// recordFunction records a function that a statement makes.
func (m *maskedCode) recordFunction(n *pgparse.Node) {
	if x := n.GetCreateFunctionStmt(); x != nil {
		if language, body := pgparse.FunctionCode(x.GetOptions()); len(body) > 0 {
			name := pgparse.LastText(x.GetFuncname())
			m.functions[name] = append(m.functions[name], language, body[0])
		}
	}
}

// readStatement reads a statement, the DO block in it, and the functions that it calls.
func (m *maskedCode) readStatement(n *pgparse.Node) {
	if x := n.GetDoStmt(); x != nil {
		language, body := pgparse.FunctionCode(x.GetArgs())
		if len(body) > 0 && (language == "" || language == "plpgsql") {
			m.readBody("plpgsql", body[0])
		}
		return
	}
	for _, a := range migrationRole.Statement(n) {
		if !a.Honest {
			m.noteEscape(a.Does)
		}
	}
	pgparse.Walk(n, func(msg any) bool {
		if c, ok := msg.(*pgparse.FuncCall); ok {
			m.readFunction(pgparse.LastText(c.GetFuncname()))
		}
		return true
	})
}

// readFunction reads the functions with this name that the migration makes.
func (m *maskedCode) readFunction(name string) {
	if m.seen[name] {
		return
	}
	m.seen[name] = true
	for code := range slices.Chunk(m.functions[name], 2) {
		m.readBody(code[0], code[1])
	}
}

// quotedText matches a string literal of a body; a quote in it is doubled.
var quotedText = lazyregexp.New(`'(?:[^']|'')*'`)

// readBody reads a body. If it executes text that it builds, its string literals are read as
// statements.
func (m *maskedCode) readBody(language, text string) {
	body := migrationRole.Body(language, text)
	for _, a := range body.Acts {
		if !a.Honest {
			m.noteEscape(a.Does)
		}
	}
	if body.Hides {
		for _, s := range quotedText.FindAllString(text, -1) {
			m.noteEscape(escapeInText(strings.ReplaceAll(s[1:len(s)-1], "''", "'")))
		}
	}
	for _, name := range body.Calls {
		m.readFunction(name)
	}
}
