package pgparse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// MaxSize is the largest source that is read, in bytes. MaxDepth is the deepest nesting
// of brackets, CASE expressions and prefix operators in one statement. Both are far above
// what people and generators write, and limit the parser's time and stack.
const (
	MaxSize  = 32 << 20
	MaxDepth = 1000
	// MaxChain limits the operators of one expression: a + a + a ….
	MaxChain = 100_000
)

// Stmt is one statement of a source.
type Stmt struct {
	// Node is the syntax tree, nil if the statement could not be parsed. Its locations
	// count bytes from Start.
	Node *Node
	// Start and End are byte offsets of the first token and after the last one (the ';'
	// is not part of a statement).
	Start, End int
	// Err says why Node is nil.
	Err *SyntaxError
	// Strings is the setting by which its strings were read.
	Strings Strings
}

// SyntaxError is an error of the grammar, or an exceeded limit.
type SyntaxError struct {
	// Message is Postgres' own message if the grammar reports the error.
	Message string
	// Hint is the likely cause, if known.
	Hint string
	// Offset is the byte offset of the offending token in the source.
	Offset int
	// Refused: the grammar knows the form and refuses it. So do older servers.
	Refused bool
}

// Error returns the message with its hint.
func (e *SyntaxError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// Comment is a comment of a source, with its markers.
type Comment struct{ Start, End int }

// File is a source split into statements.
type File struct {
	// Src is the source. If standard_conforming_strings is off, its strings are rewritten
	// as they would be with it on, in the same number of bytes.
	Src   string
	Stmts []Stmt
	// Strings is the setting after the text, for the same session.
	Strings Strings
}

// ErrTooLarge is returned for a source above MaxSize.
var ErrTooLarge = errors.New("the file is too large")

// SplitText splits a source into statements as the server does. The only error is
// ErrTooLarge. A statement that the grammar rejects becomes a Stmt with Err, and the
// others are kept.
func SplitText(src string) (*File, error) { return SplitBy(src, Reader{}) }

// cleanText returns a text of the same length that the lexer can read: a byte order mark
// becomes blanks, bytes that are not UTF-8 become question marks.
func cleanText(src string) string {
	const bom = "\ufeff"
	if strings.HasPrefix(src, bom) {
		src = "   " + src[len(bom):]
	}
	if utf8.ValidString(src) {
		return src
	}
	b := []byte(src)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			b[i] = '?'
		}
		i += n
	}
	return string(b)
}

func (f *File) parsePiece(sql string, p piece) {
	s := Stmt{Start: p.start, End: p.end}
	if p.meta {
		p.slash = p.start
	}
	switch {
	case p.meta || p.slash > 0:
		s.Err = &SyntaxError{
			Message: fmt.Sprintf("%s is a psql command, not SQL", firstWord(sql[p.slash-p.start:])),
			Hint:    "a migration tool's driver sends it to the server unchanged", Offset: p.slash,
		}
	case p.endless:
		s.Err = &SyntaxError{
			Message: "psql takes it for rows of the COPY before it, which no line with \\. alone ends",
			Hint:    "put \\. on a line of its own after the rows", Offset: p.start,
		}
	case p.rows:
		s.Err = &SyntaxError{Message: "the rows of a COPY are in the middle of it", Hint: "put it on a line of its own", Offset: p.start}
	case p.unsure:
		s.Err = &SyntaxError{
			Message: "where its strings end is not known, as a setting may be on or off, or the client's encoding has letters that end in a backslash",
			Hint:    "leave standard_conforming_strings on, and client_encoding UTF8", Offset: p.start,
		}
	case p.depth > MaxDepth:
		s.Err = &SyntaxError{Message: fmt.Sprintf("nested deeper than %d levels", MaxDepth), Offset: p.start}
	case strings.IndexByte(sql, 0) >= 0:
		s.Err = &SyntaxError{Message: "the text holds a NUL byte, which Postgres refuses", Offset: p.start + strings.IndexByte(sql, 0)}
	case p.chain > MaxChain:
		s.Err = &SyntaxError{Message: fmt.Sprintf("an expression of more than %d operators", MaxChain), Offset: p.start}
	default:
		tree, err := parseTree(sql)
		if err != nil {
			tree = parseWithdrawnForm(sql, err)
		}
		switch {
		case tree == nil:
			s.Err = syntaxError(sql, p.start, err)
		case len(tree.Stmts) == 1:
			s.Node = tree.Stmts[0].Stmt
		default:
			f.addStatements(sql, p, tree)
			return
		}
	}
	f.Stmts = append(f.Stmts, s)
}

// addStatements handles a piece in which the server finds several statements. psql sends
// everything that it believes to be part of a function with a body of statements as one
// message, and it may include too much.
func (f *File) addStatements(sql string, p piece, tree *ast.ParseResult) {
	for _, raw := range tree.Stmts {
		start, end := int(raw.StmtLocation), len(sql)
		if raw.StmtLen > 0 {
			end = start + int(raw.StmtLen)
		}
		inner := scanPieces(sql[start:end])
		if len(inner) == 0 {
			continue
		}
		q := piece{start: start + inner[0].start, end: start + inner[len(inner)-1].end, depth: p.depth, chain: p.chain}
		text := sql[q.start:q.end]
		q.start, q.end = q.start+p.start, q.end+p.start
		if text == sql {
			f.Stmts = append(f.Stmts, Stmt{Start: p.start, End: p.end, Err: &SyntaxError{
				Message: fmt.Sprintf("%d statements where one was expected", len(tree.Stmts)), Offset: p.start,
			}})
			return
		}
		f.parsePiece(text, q)
	}
}

var doublePrecision = lazyregexp.New(`(?i)\bdouble(\s+)precision\b`)

// fixDoublePrecision rewrites text that the parser wrongly rejects, in the same number of bytes: an
// unnamed function argument of type double precision.
func fixDoublePrecision(sql string) string {
	return doublePrecision.ReplaceAllStringFunc(sql, func(m string) string {
		return "float8" + strings.Repeat(" ", len(m)-len("float8"))
	})
}

var (
	templateName  = lazyregexp.New(`__[A-Z_]+__|@@?\w+@`)
	conflictMark  = lazyregexp.New(`(?m)^(<<<<<<<|=======|>>>>>>>)( |\r?$)`)
	psqlVariable  = lazyregexp.New(`^:['"]?\w`)
	shellVariable = lazyregexp.New(`^\$[A-Za-z_]\w*`)
)

func syntaxError(sql string, start int, err error) *SyntaxError {
	out := &SyntaxError{Message: shortenMessage(err.Error()), Offset: start}
	var pe *parser.Error
	if errors.As(err, &pe) && pe.Cursorpos > 0 {
		// The cursor counts characters from 1.
		out.Offset = start + byteOffset(sql, pe.Cursorpos-1)
	}
	if inner := subqueryError(sql, out.Offset-start); inner != nil {
		out.Message, out.Offset = inner.Message, start+inner.Offset
	}
	defer func() {
		out.Refused = pe != nil && slices.Contains(refusingRules, pe.Funcname) && out.Hint == "" && out.Message != "syntax error"
	}()
	switch {
	case strings.ContainsRune(sql, '\u00a0'):
		out.Hint = "the text holds a no-break space, which is not white space in SQL"
	case strings.HasPrefix(sql, "version https://git-lfs.github.com/spec/"):
		out.Hint = "the file is a pointer of Git LFS; to get what it stands for, run: git lfs pull"
	case hasConflictMark(sql):
		out.Hint = "the text has a merge conflict"
	case hasTemplateToken(sql), isShellVariable(sql[out.Offset-start:], out.Message):
		out.Hint = "it looks like a template: its text is known only when the runner fills it in"
	case reservedHint(sql[out.Offset-start:]) != "":
		out.Hint = reservedHint(sql[out.Offset-start:])
	case psqlVariable.MatchString(sql[out.Offset-start:]):
		out.Hint = "it looks like a variable of psql: its value is known only when psql runs the file"
	}
	return out
}

// refusingRules are the functions of the grammar that refuse what it has read. Others report that it cannot read the text.
var refusingRules = []string{"base_yyparse", "processCASbits", "insertSelectOptions", "preprocess_pubobj_list", "mergeTableFuncParameters"}

// conflictMarks and templateMarks are looked for without a pattern: most texts of code that do not parse have none.
var (
	conflictMarks = []string{"<<<<<<<", "=======", ">>>>>>>"}
	templateMarks = []string{"{{", "}}", "{%", "%}", "${", "<%", "%>"}
)

func hasConflictMark(sql string) bool {
	return slices.ContainsFunc(conflictMarks, func(mark string) bool { return strings.Contains(sql, mark) }) && conflictMark.MatchString(sql)
}

func hasTemplateToken(sql string) bool {
	return slices.ContainsFunc(templateMarks, func(mark string) bool { return strings.Contains(sql, mark) }) ||
		(strings.Contains(sql, "__") || strings.Contains(sql, "@")) && templateName.MatchString(sql)
}

// isShellVariable reports whether the grammar failed at a variable of the shell, and not at a
// dollar quote without an end.
func isShellVariable(rest, message string) bool {
	return shellVariable.MatchString(rest) && !strings.HasPrefix(message, "unterminated")
}

// subqueryError returns the error of a sub-query in brackets that begins at an offset; nil
// if there is no sub-query or it is correct. The parser tries several readings of a
// bracket and reports the sub-query's first word. The server reports the actual place.
func subqueryError(sql string, from int) *SyntaxError {
	if from <= 0 || from >= len(sql) || !strings.HasSuffix(strings.TrimRight(sql[:from], " \t\r\n"), "(") {
		return nil
	}
	switch strings.ToUpper(firstWord(sql[from:])) {
	case "SELECT", "WITH", "VALUES":
	default:
		return nil
	}
	end := closingBracket(sql, from)
	if end < 0 {
		return nil
	}
	_, err := parseTree(sql[from:end])
	if err != nil {
		if out := syntaxError(sql[from:end], from, err); !strings.HasSuffix(out.Message, "end of input") {
			return out
		}
	} else if sql[end] == ')' {
		return nil
	}
	return &SyntaxError{Message: `syntax error at or near "` + sql[end:end+1] + `"`, Offset: end}
}

// closingBracket returns where the bracket that is open at an offset closes, or where a
// semicolon cuts it off; -1 if neither comes.
func closingBracket(sql string, from int) int {
	for s := (scanner{src: sql, pos: from, start: -1}); s.pos < len(sql); s.scanToken() {
		if c := sql[s.pos]; s.brackets == 0 && (c == ')' || c == ';') {
			return s.pos
		}
	}
	return -1
}

// shortenMessage shortens a message that quotes the rest of a file, such as the error for an
// unterminated string.
func shortenMessage(message string) string {
	const most = 160
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "…"
}

func byteOffset(s string, runes int) int {
	for i := range s {
		if runes == 0 {
			return i
		}
		runes--
	}
	return len(s)
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, " \t\r\n"); i > 0 {
		return s[:i]
	}
	return s
}

// ListComments returns the comments of a source, outside and inside statements.
func ListComments(text string) []Comment {
	if !strings.Contains(text, "--") && !strings.Contains(text, "/*") {
		return nil
	}
	var out []Comment
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '-' && strings.HasPrefix(text[i:], "--"):
			end := lineEnd(text, i)
			out = append(out, Comment{i, end})
			i = end
		case c == '/' && strings.HasPrefix(text[i:], "/*"):
			end := commentEnd(text, i)
			out = append(out, Comment{i, end})
			i = end
		default:
			i = tokenEnd(text, i)
		}
	}
	return out
}
