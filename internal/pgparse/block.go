package pgparse

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sqlc-dev/oliphant/parser"
)

// Block is the body of a DO block or a PL/pgSQL function.
type Block struct {
	Statements []BlockStatement
	// Expressions are queries of what it computes beside its statements, where that
	// may call something: SELECT f().
	Expressions []string
}

// BlockStatement is a statement inside a PL/pgSQL body.
type BlockStatement struct {
	SQL string
	// Line is the line in the body, from 1.
	Line int
	// Conditional marks a statement that may be skipped, Loop one that may
	// run many times.
	Conditional, Loop bool
	// Dynamic marks an EXECUTE whose text is not constant; Hidden then says
	// what it executes.
	Dynamic bool
	Hidden  string
}

// ParseBlock reads the PL/pgSQL body of a DO or CREATE FUNCTION statement.
// EXECUTE of constant text counts as the statement it executes.
//
// An error that is a [SyntaxError] says that the body is wrong or out of
// bounds; another, that the parser lacks what Postgres has: it knows neither
// the fields of a %ROWTYPE nor the types of other schemas than public.
func ParseBlock(statement string) (block *Block, err error) {
	if len(statement) > maxBlock {
		return nil, &SyntaxError{Message: fmt.Sprintf("a body of %d kB, up to %d kB are read", len(statement)>>10, maxBlock>>10)}
	}
	if n := strings.Count(statement, ";"); int64(n)*int64(len(statement)) > maxBlockWork {
		return nil, &SyntaxError{Message: fmt.Sprintf("a body of %d kB in %d statements, which would take too long to read", len(statement)>>10, n)}
	}
	for _, p := range scan(bodyOf(statement)) {
		if p.depth > MaxDepth {
			return nil, &SyntaxError{Message: fmt.Sprintf("nested deeper than %d levels", MaxDepth)}
		}
	}
	if nesting(bodyOf(statement)) > maxNesting {
		return nil, errNested()
	}
	text, err := parser.ParsePlPgSqlToJSON(statement)
	if err != nil && strings.Contains(err.Error(), "at or near") {
		return nil, &SyntaxError{Message: brief(err.Error())}
	}
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal([]byte(decodable(text)), &tree); err != nil {
		return nil, errors.New("the body could not be decoded")
	}
	w := blockWalk{block: &Block{}}
	w.block.Expressions = expressions(tree, nil, 0)
	w.begin(tree)
	w.walk(tree, 0, false, false)
	if w.deep {
		return nil, errNested()
	}
	return w.block, nil
}

const (
	// maxBlock bounds a PL/pgSQL body.
	maxBlock = 4 << 20
	// maxBlockWork bounds its bytes times its statements, which is how long the
	// parser takes: it copies all that it has read for each of them.
	maxBlockWork = 1 << 30
	// maxNesting bounds the blocks, branches and loops in one another: the
	// parser's time grows with the square of it.
	maxNesting = 200
	// maxTree bounds the tree of such a body. A block with handlers, the
	// deepest of the kinds, takes six levels.
	maxTree = 8 * maxNesting
)

func errNested() error {
	return &SyntaxError{Message: fmt.Sprintf("blocks nested deeper than %d levels", maxNesting)}
}

// nesting is how deep the blocks, branches, loops and CASEs of a body stand in
// one another, judging by its words. The IF of IF EXISTS opens nothing.
func nesting(body string) int {
	depth, most := 0, 0
	before := ";" // the token before: a word, or its first byte
	for i := 0; i < len(body); {
		c := body[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			i++
			continue
		case strings.HasPrefix(body[i:], "--"):
			i = lineEnd(body, i)
			continue
		case strings.HasPrefix(body[i:], "/*"):
			i = commentEnd(body, i)
			continue
		case !isWordStart(c):
			before = body[i : i+1]
			i = tokenEnd(body, i)
			continue
		}
		end := i + 1
		for end < len(body) && isWordByte(body[end]) {
			end++
		}
		w := body[i:end]
		switch {
		case is(w, "END"):
			depth = max(depth-1, 0)
		case is(before, "END"): // END IF, END LOOP, END CASE
			before, i = "", end
			continue
		case is(w, "CASE") || is(w, "LOOP") || (is(w, "IF") || is(w, "BEGIN")) && begins(before):
			depth++
			most = max(most, depth)
		}
		before, i = w, end
	}
	return most
}

// begins reports whether a statement of PL/pgSQL begins behind a token.
func begins(before string) bool {
	return before == ";" || before == ">" || is(before, "THEN") || is(before, "ELSE") || is(before, "LOOP") || is(before, "BEGIN") || is(before, "DECLARE")
}

func bodyOf(statement string) string {
	if i := strings.IndexByte(statement, '$'); i >= 0 {
		if end := dollarEnd(statement, i); end-i > 4 {
			return strings.Trim(statement[i:end], "$")
		}
	}
	return statement
}

type blockWalk struct {
	block *Block
	depth int
	deep  bool // something was left out because it stands too deep
	// names are the variables, in the order of their numbers.
	names []string
	// values are what variables hold here, by name; of a record's field "r.name".
	values map[string]string
	// rounds is how many rounds of loops there are to unroll in all; within says that
	// this is one of them, again that it is not the first.
	rounds        int
	within, again bool
	size          int // of what EXECUTE runs, in bytes
}

// The JSON of the PL/pgSQL parser is a tree of {"PLpgSQL_kind": {fields}}.
func (w *blockWalk) walk(v any, line int, conditional, loop bool) {
	if w.depth > maxTree {
		w.deep = true
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			w.walk(e, line, conditional, loop)
		}
	case map[string]any:
		for _, kind := range sortedKeys(x) {
			fields, ok := x[kind].(map[string]any)
			if !ok || !strings.HasPrefix(kind, "PLpgSQL_") {
				w.walk(x[kind], line, conditional, loop)
				continue
			}
			w.node(kind, fields, line, conditional, loop)
		}
	}
}

func (w *blockWalk) node(kind string, f map[string]any, line int, conditional, loop bool) {
	if n, ok := f["lineno"].(float64); ok {
		line = int(n)
	}
	switch kind {
	case "PLpgSQL_stmt_execsql":
		w.add(expr(f["sqlstmt"]), line, conditional, loop)
	case "PLpgSQL_stmt_perform":
		w.add(expr(f["expr"]), line, conditional, loop)
	case "PLpgSQL_stmt_call":
		w.add(expr(f["expr"]), line, conditional, loop)
	case "PLpgSQL_stmt_dynexecute":
		w.dynamic(expr(f["query"]), line, conditional, loop)
	case "PLpgSQL_stmt_dynfors":
		w.dynamic(expr(f["query"]), line, conditional, loop)
		w.walk(f["body"], line, true, true)
	case "PLpgSQL_stmt_fors", "PLpgSQL_stmt_fori", "PLpgSQL_stmt_foreach_a":
		w.add(expr(f["query"]), line, conditional, loop)
		w.unroll(f["body"], w.turns(kind, f), line, conditional, loop)
	case "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while", "PLpgSQL_stmt_forc":
		w.walk(f["body"], line, conditional || kind != "PLpgSQL_stmt_loop", true)
	case "PLpgSQL_stmt_if":
		w.walk(f["then_body"], line, true, loop)
		w.walk(f["elsif_list"], line, true, loop)
		w.walk(f["else_body"], line, true, loop)
	case "PLpgSQL_if_elsif":
		w.walk(f["stmts"], line, true, loop)
	case "PLpgSQL_stmt_case":
		w.walk(f["case_when_list"], line, true, loop)
		w.walk(f["else_stmts"], line, true, loop)
	case "PLpgSQL_case_when":
		w.walk(f["stmts"], line, true, loop)
	case "PLpgSQL_stmt_block":
		w.walk(f["body"], line, conditional, loop)
		w.walk(f["exceptions"], line, true, loop)
	case "PLpgSQL_exception_block":
		w.walk(f["exc_list"], line, true, loop)
	case "PLpgSQL_exception":
		w.walk(f["action"], line, true, loop)
	case "PLpgSQL_stmt_commit":
		w.block.Statements = append(w.block.Statements, BlockStatement{SQL: "COMMIT", Line: line, Conditional: conditional, Loop: loop})
	case "PLpgSQL_function":
		w.walk(f["action"], line, conditional, loop)
	}
}

func (w *blockWalk) add(sql string, line int, conditional, loop bool) {
	if sql == "" || w.again {
		return
	}
	// What is the same in each round is one statement in a loop.
	w.block.Statements = append(w.block.Statements, BlockStatement{SQL: sql, Line: line, Conditional: conditional || w.within, Loop: loop || w.within})
}

// dynamic handles EXECUTE: of a constant, or what has the value of a variable that is
// known, and of anything else.
func (w *blockWalk) dynamic(query string, line int, conditional, loop bool) {
	sql, varies, ok := w.constant(query)
	if w.size += len(sql); ok && !varies {
		w.add(sql, line, conditional, loop)
		return
	}
	x := BlockStatement{SQL: sql, Line: line, Conditional: conditional, Loop: loop}
	if !ok || w.size > maxBlock {
		what := strings.Join(strings.Fields(query), " ")
		if r := []rune(what); len(r) > 80 {
			what = string(r[:80]) + "…"
		}
		x = BlockStatement{Line: line, Conditional: conditional || w.within, Loop: loop || w.within, Dynamic: true, Hidden: "EXECUTE of " + what}
		if w.again && slices.Contains(w.block.Statements, x) {
			return
		}
	}
	w.block.Statements = append(w.block.Statements, x)
}

func sortedKeys(m map[string]any) []string {
	// Bodies come before exception handlers, as they run.
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// expr is the text of a PLpgSQL_expr.
func expr(v any) string {
	m, _ := v.(map[string]any)
	e, _ := m["PLpgSQL_expr"].(map[string]any)
	s, _ := e["query"].(string)
	return s
}
