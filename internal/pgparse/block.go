package pgparse

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sqlc-dev/oliphant/parser"
)

// Block is the body of a DO block or a PL/pgSQL function.
type Block struct {
	Statements []BlockStatement
	// Expressions are the expressions outside its statements that may call a function, as
	// queries: SELECT f().
	Expressions []string
	// Conditions are the conditions of the IFs that [BlockStatement.Guard] names.
	Conditions []string
	// SureRaises are the lines of RAISE statements that each run of the body reaches unless it fails before, from 1. Those that print
	// only are among them.
	SureRaises []int
}

// BlockStatement is a statement inside a PL/pgSQL body.
type BlockStatement struct {
	SQL string
	// Line is the line in the body, from 1.
	Line int
	// Conditional marks a statement that may be skipped, Loop one that may
	// run many times.
	Conditional, Loop bool
	// Dynamic marks an EXECUTE whose text is not constant. Hidden then describes what it
	// executes.
	Dynamic bool
	Hidden  string
	// Exceeded says that its text, or the rounds of a loop around it, are more than what is computed.
	Exceeded bool
	// Needs are the relations that must exist, or the statement is skipped, with line breaks between them. NeedsAt is
	// the line of the innermost IF that asks for them.
	Needs   string
	NeedsAt int
	// Guard is the condition of the IF around a conditional statement: it runs once if the condition is true, and else not at all.
	// It is "" for other conditional statements.
	Guard string
	// Round names the EXECUTE in a loop that runs the statement in one of its rounds. The statements of its rounds share
	// it. "" for a statement that no EXECUTE in a loop runs, and for one that is the same in all rounds.
	Round string
}

// ParseBlock reads the PL/pgSQL body of a DO or CREATE FUNCTION statement.
// EXECUTE of constant text counts as the statement it executes.
//
// A [SyntaxError] means that the body is wrong or too large. Any other error means that
// the parser lacks a feature of Postgres: it knows neither the fields of a %ROWTYPE nor
// types in schemas other than public.
func ParseBlock(statement string) (block *Block, err error) {
	if err := checkBlockSize(statement); err != nil {
		return nil, err
	}
	text, err := parser.ParsePlPgSqlToJSON(statement)
	var originals map[string]string
	if err != nil {
		var replaced string
		if replaced, originals = replaceNewerForms(statement); len(originals) > 0 {
			text, err = parser.ParsePlPgSqlToJSON(replaced)
		}
	}
	if err != nil && (strings.Contains(err.Error(), "at or near") || strings.HasSuffix(err.Error(), "at end of input")) {
		return nil, &SyntaxError{Message: shortenMessage(err.Error())}
	}
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal([]byte(fixTriggerJSON(text)), &tree); err != nil {
		return nil, errors.New("the body could not be decoded")
	}
	w := blockWalk{block: &Block{}}
	w.block.Expressions = listExpressions(tree, nil, 0)
	w.readVariables(tree)
	w.walkTree(tree, 0, false, false)
	if w.deep {
		return nil, nestingError()
	}
	w.block.restoreOriginals(originals)
	return w.block, nil
}

// checkBlockSize returns an error for a body that would take the parser too long, or too deep.
func checkBlockSize(statement string) error {
	if len(statement) > maxBlock {
		return &SyntaxError{Message: fmt.Sprintf("a body of %d kB, up to %d kB are read", len(statement)>>10, maxBlock>>10)}
	}
	if n := strings.Count(statement, ";"); int64(n)*int64(len(statement)) > maxBlockWork {
		return &SyntaxError{Message: fmt.Sprintf("a body of %d kB in %d statements, which would take too long to read", len(statement)>>10, n)}
	}
	body := dollarQuotedBody(statement)
	for _, p := range scanPieces(body) {
		if p.depth > MaxDepth {
			return &SyntaxError{Message: fmt.Sprintf("nested deeper than %d levels", MaxDepth)}
		}
	}
	if nestingDepth(body) > maxNesting {
		return nestingError()
	}
	return nil
}

const (
	// maxBlock is the largest PL/pgSQL body, in bytes.
	maxBlock = 4 << 20
	// maxBlockWork limits a body's bytes times its statements. The parser's time grows
	// with that product, because it copies all the text read so far for each statement.
	maxBlockWork = 1 << 30
	// maxNesting limits the nesting of blocks, branches and loops. The parser's time
	// grows with the square of it.
	maxNesting = 200
	// maxTree limits the depth of such a body's tree. A block with handlers is the
	// deepest construct, with six levels.
	maxTree = 8 * maxNesting
)

func nestingError() error {
	return &SyntaxError{Message: fmt.Sprintf("blocks nested deeper than %d levels", maxNesting)}
}

// nestingDepth returns how deeply the blocks, branches, loops and CASEs of a body are nested,
// judged by its words. The IF of IF EXISTS is not counted.
func nestingDepth(body string) int {
	depth, most := 0, 0
	before := ";" // the previous token: a word, or its first byte
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
		case isKeyword(w, "END"):
			depth = max(depth-1, 0)
		case isKeyword(before, "END"): // END IF, END LOOP, END CASE
			before, i = "", end
			continue
		case isKeyword(w, "CASE") || isKeyword(w, "LOOP") || (isKeyword(w, "IF") || isKeyword(w, "BEGIN")) && beginsStatement(before):
			depth++
			most = max(most, depth)
		}
		before, i = w, end
	}
	return most
}

// beginsStatement reports whether a statement of PL/pgSQL begins after a token.
func beginsStatement(before string) bool {
	return before == ";" || before == ">" || isKeyword(before, "THEN") || isKeyword(before, "ELSE") || isKeyword(before, "LOOP") ||
		isKeyword(before, "BEGIN") || isKeyword(before, "DECLARE")
}

func dollarQuotedBody(statement string) string {
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
	deep  bool // something was skipped because it is nested too deeply
	// names are the variables by number.
	names []string
	// values are the known values of variables at this point, by name; "r.name" for a field of a record.
	values map[string]string
	// arrays are the elements of variables that hold an array of constants and are never assigned to. shadowed are
	// the names that several variables have.
	arrays   map[string][]string
	shadowed map[string]bool
	// rounds counts the loop rounds that were unrolled so far. within says that the walk
	// is in such a round, again that it is not the first round.
	rounds        int
	within, again bool
	size          int  // of the text that EXECUTE runs, in bytes
	exceeded      bool // a text or a loop before this point has more than what is computed
	needs         string
	needsAt       int
	// guard joins the conditions of the IFs around this point. unguarded: something else than a plain IF may skip it, too.
	guard     string
	unguarded bool
	// mayHaveEnded: a statement before this point may have ended the body, or a loop of it.
	mayHaveEnded bool
}

// The PL/pgSQL parser returns JSON: a tree of {"PLpgSQL_kind": {fields}}.
func (w *blockWalk) walkTree(v any, line int, conditional, loop bool) {
	if w.depth > maxTree {
		w.deep = true
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			w.walkTree(e, line, conditional, loop)
		}
	case map[string]any:
		for _, kind := range sortedKeys(x) {
			fields, ok := x[kind].(map[string]any)
			if !ok || !strings.HasPrefix(kind, "PLpgSQL_") {
				w.walkTree(x[kind], line, conditional, loop)
				continue
			}
			w.walkNode(kind, fields, line, conditional, loop)
		}
	}
}

func (w *blockWalk) walkNode(kind string, f map[string]any, line int, conditional, loop bool) {
	if n, ok := f["lineno"].(float64); ok {
		line = int(n)
	}
	switch kind {
	case "PLpgSQL_stmt_assign":
		w.recordAssignment(exprText(f["expr"]))
	case "PLpgSQL_stmt_execsql":
		w.addStatement(exprText(f["sqlstmt"]), line, conditional, loop)
		w.forgetAssigned(f)
	case "PLpgSQL_stmt_perform":
		w.addStatement(exprText(f["expr"]), line, conditional, loop)
	case "PLpgSQL_stmt_call":
		w.addStatement(exprText(f["expr"]), line, conditional, loop)
		w.forgetVariable("")
	case "PLpgSQL_stmt_getdiag", "PLpgSQL_stmt_fetch":
		w.forgetAssigned(map[string]any{kind: f})
	case "PLpgSQL_stmt_dynexecute":
		w.addExecute(exprText(f["query"]), line, conditional, loop)
		w.forgetAssigned(f)
	case "PLpgSQL_stmt_dynfors":
		w.addExecute(exprText(f["query"]), line, conditional, loop)
		w.unrollLoop(f["body"], nil, line, conditional, loop)
	case "PLpgSQL_stmt_fors", "PLpgSQL_stmt_fori", "PLpgSQL_stmt_foreach_a":
		w.addStatement(exprText(f["query"]), line, conditional, loop)
		rounds := w.loopRounds(kind, f)
		w.forgetAssigned(map[string]any{kind: f})
		w.unrollLoop(f["body"], rounds, line, conditional, loop)
	case "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while", "PLpgSQL_stmt_forc":
		w.forgetAssigned(f)
		needs, needsAt := w.needs, w.needsAt
		w.walkTree(f["body"], line, conditional || kind != "PLpgSQL_stmt_loop", true)
		w.needs, w.needsAt = needs, needsAt
		w.forgetAssigned(f)
	case "PLpgSQL_stmt_if":
		w.walkIf(f, line, loop)
	case "PLpgSQL_if_elsif", "PLpgSQL_case_when":
		w.walkBranch(f["stmts"], line, loop)
	case "PLpgSQL_stmt_case":
		w.walkBranches(f, line, loop, "case_when_list", "else_stmts")
	case "PLpgSQL_stmt_block":
		w.walkTree(f["body"], line, conditional, loop)
		if f["exceptions"] != nil || mayLeaveLoop(f["body"]) {
			w.forgetAssigned(f["body"])
			w.walkBranch(f["exceptions"], line, loop)
			w.forgetAssigned(f["exceptions"])
		}
	case "PLpgSQL_exception_block":
		w.walkTree(f["exc_list"], line, true, loop)
	case "PLpgSQL_exception":
		w.walkBranch(f["action"], line, loop)
	case "PLpgSQL_stmt_commit":
		w.block.Statements = append(w.block.Statements, BlockStatement{SQL: "COMMIT", Line: line, Conditional: conditional, Loop: loop})
	case "PLpgSQL_stmt_raise":
		if !conditional && !loop && !w.mayHaveEnded {
			w.block.SureRaises = append(w.block.SureRaises, line)
		}
	case "PLpgSQL_stmt_return", "PLpgSQL_stmt_exit":
		w.mayHaveEnded = true
	case "PLpgSQL_function":
		w.walkTree(f["action"], line, conditional, loop)
	}
}

func (w *blockWalk) addStatement(sql string, line int, conditional, loop bool) {
	if sql == "" || w.again {
		return
	}
	// A statement that is the same in each round counts as one statement in a loop.
	w.appendStatement(BlockStatement{SQL: sql, Line: line, Conditional: conditional || w.within, Loop: loop || w.within})
}

// addExecute handles EXECUTE. Its text may be constant, the known value of a variable, or
// unknown.
func (w *blockWalk) addExecute(query string, line int, conditional, loop bool) {
	sql, varies, ok := w.evalConstant(query)
	if w.size += len(sql); ok && !varies {
		w.addStatement(sql, line, conditional, loop)
		return
	}
	x := BlockStatement{SQL: sql, Line: line, Conditional: conditional, Loop: loop}
	if w.within {
		x.Round = strconv.Itoa(line) + " " + query
	}
	if !ok || w.size > maxBlock {
		excerpt := strings.Join(strings.Fields(query), " ")
		if r := []rune(excerpt); len(r) > 80 {
			excerpt = string(r[:80]) + "…"
		}
		x = BlockStatement{
			Line: line, Conditional: conditional || w.within, Loop: loop || w.within, Dynamic: true, Hidden: "EXECUTE of " + excerpt,
			Exceeded: w.exceeded || w.size > maxBlock,
		}
		if w.again && slices.Contains(w.block.Statements, x) {
			return
		}
	}
	w.appendStatement(x)
}

func (w *blockWalk) appendStatement(x BlockStatement) {
	x.Needs, x.NeedsAt = w.needs, w.needsAt
	if x.Conditional && !x.Loop && !w.unguarded {
		x.Guard = w.guard
	}
	w.block.Statements = append(w.block.Statements, x)
}

func sortedKeys(m map[string]any) []string {
	// Bodies come before exception handlers, in order of execution.
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// exprText returns the text of a PLpgSQL_expr.
func exprText(v any) string {
	m, _ := v.(map[string]any)
	e, _ := m["PLpgSQL_expr"].(map[string]any)
	s, _ := e["query"].(string)
	return s
}
