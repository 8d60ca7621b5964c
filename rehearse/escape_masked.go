package rehearse

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

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
