package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Fingerprint returns the ID of a query: a hash of its normalized text, the search path and the
// role.
func Fingerprint(sql, searchPath, role string) string {
	h := sha256.New()
	for _, s := range []string{sql, searchPath, role} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Normal is a statement without its values. For a cursor or a prepared statement it is only the
// query.
type Normal struct {
	// SQL can be prepared with the types in Params, and means the same as the original text.
	SQL  string
	Kind Kind
	// Params has the type of each parameter of SQL. It is "" for a parameter of the client,
	// which may or may not declare it. For a literal it is the literal's type: integer, bigint,
	// numeric, bit, text, or unknown for a string that takes its type from its context.
	Params []string
	// From has the client's number for each parameter; 0 for a literal.
	From []int
	// Tables counts the relations in FROM and JOIN, and the changed relations that are joined
	// with others.
	Tables int
	// Unread is the parser's message if it cannot read the text. SQL is then the result of
	// AppendLexicalKey.
	Unread string
	// Comments are the texts of the comments.
	Comments []string
}

// mostParams is the largest number of parameters in a message.
const mostParams = 65535

// SplitMessage cuts a message into its statements, as the server does.
func SplitMessage(sql string) ([]string, error) {
	f, err := pgparse.SplitBy(sql, pgparse.Reader{Message: true})
	if err != nil {
		return nil, err
	}
	var out []string
	for i := range f.Stmts {
		out = append(out, f.Src[f.Stmts[i].Start:f.Stmts[i].End])
	}
	return out, nil
}

// Normalize removes the values from one statement. Each literal becomes a parameter, or is
// dropped if Postgres allows no parameter there. Lists of values and rows of VALUES become one
// element.
func Normalize(sql string) Normal {
	n, _ := normalizeStatement(sql)
	return n
}

// normalizeStatement also returns the statement; nil if it could not be read.
func normalizeStatement(sql string) (Normal, *statement) {
	sql = strings.ToValidUTF8(sql, "?")
	n := Normal{Kind: Other}
	for _, c := range pgparse.ListComments(sql) {
		words := strings.TrimPrefix(sql[c.Start:c.End], "--")
		n.Comments = append(n.Comments, strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(words, "/*"), "*/")))
	}
	f, err := pgparse.SplitBy(sql, pgparse.Reader{Message: true})
	switch {
	case err != nil:
		return n.asUnparsed(sql, err.Error()), nil
	case len(f.Stmts) == 0:
		return n, nil
	case len(f.Stmts) > 1:
		return n.asUnparsed(sql, fmt.Sprintf("%d statements where one was expected", len(f.Stmts))), nil
	case f.Stmts[0].Err != nil:
		return n.asUnparsed(sql, parserMessage(f.Stmts[0].Err)), nil
	}
	st := &f.Stmts[0]
	s := &statement{instead: map[int]string{}, casts: map[int]string{}, types: map[int]string{}, same: map[int]int{}}
	s.also = map[int][]int{}
	s.splitTokens(f.Src[st.Start:st.End])
	n.Kind, n.Tables = kindOf(st.Node), countTables(st.Node)
	s.parameterize(st.Node)
	s.collapseLists()
	n.SQL = s.writeText()
	if text := sessionStatementText(st.Node, n.SQL); text != "" {
		n.SQL = text
	}
	if len(s.params) > mostParams {
		return n.asUnparsed(sql, fmt.Sprintf("it has more than %d values", mostParams)), nil
	}
	n.Params, n.From = s.params, s.from
	if n.Kind == DDL || n.Kind == Other || n.Kind == Copy {
		n.SQL = normalizeUntilStable(sql, n.SQL)
	}
	return n, s
}

func (n Normal) asUnparsed(sql, reason string) Normal {
	n.Kind, n.Unread, n.Tables = Broken, reason, 0
	n.SQL = string(AppendLexicalKey(nil, sql))
	n.SQL = normalizeUntilStable(sql, n.SQL)
	return n
}

// normalizeUntilStable normalizes a text without values until it no longer changes. Without its values, a
// text that the parser refused may become readable, or the reverse.
func normalizeUntilStable(previous, current string) string {
	for i := 0; i < 3 && current != previous; i++ {
		previous, current = current, Normalize(current).SQL
	}
	return current
}

// parserMessage is the parser's message without the text that it quotes, which may be a value.
func parserMessage(err *pgparse.SyntaxError) string {
	words := err.Message
	if i := strings.Index(words, ` at or near "`); i >= 0 {
		words = words[:i]
	}
	return words
}

// statement is a text with its syntax tree.
type statement struct {
	text
	instead map[int]string // the replacement of a literal that cannot be a parameter
	casts   map[int]string // the type named before a literal
	types   map[int]string // a parameter's type if it differs from the literal's
	same    map[int]int    // a literal that shares another literal's parameter
	argType []string       // the types listed in PREPARE

	params  []string
	from    []int
	literal []int // the token of each parameter that replaces a literal
	numbers map[string]int
}

// writeText returns the text with its parameters.
func (s *statement) writeText() string {
	dst := make([]byte, 0, len(s.sql))
	s.numbers = map[string]int{}
	for i := range s.toks {
		tok := &s.toks[i]
		if tok.drop {
			continue
		}
		root := int(tok.pick)
		from, cast := &s.toks[root], s.casts[i]
		written := s.tokenText(root)
		switch {
		case from.kind == pgparse.LexemeParam:
			written = s.clientParameter(written)
		case from.isLiteral() && from.fate == unsaid:
			written = s.instead[root]
		case from.isLiteral() && from.fate == lost:
			written = removedLiteral
		case from.isLiteral() && from.fate == param:
			written = s.parameterForLiteral(root)
		}
		if written == "" {
			continue
		}
		dst = append(appendGap(dst, 0, tok.space, written[0]), written...)
		if cast != "" {
			dst = append(append(dst, "::"...), cast...)
		}
	}
	return string(dst)
}

// clientParameter returns the parameter for one of the client's parameters.
func (s *statement) clientParameter(text string) string {
	number, err := strconv.Atoi(text[1:])
	if err != nil {
		return text
	}
	declared := ""
	if number > 0 && number <= len(s.argType) {
		declared = s.argType[number-1]
	}
	return s.findOrAddParameter(text, declared, number, 0)
}

// parameterForLiteral returns the parameter for a literal.
func (s *statement) parameterForLiteral(i int) string {
	i = s.rootToken(i)
	typ := s.types[i]
	if typ == "" {
		typ = s.literalType(i)
	}
	return s.findOrAddParameter("#"+strconv.Itoa(i), typ, 0, i)
}

func (s *statement) findOrAddParameter(key, typ string, from, literal int) string {
	n := s.numbers[key]
	if n == 0 {
		n = len(s.params) + 1
		s.numbers[key] = n
		s.params, s.from, s.literal = append(s.params, typ), append(s.from, from), append(s.literal, literal)
	}
	return "$" + strconv.Itoa(n)
}
