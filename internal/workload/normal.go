package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Fingerprint is the ID of a query: of its text as Normalise gives it, the search path
// and the role.
func Fingerprint(sql, searchPath, role string) string {
	h := sha256.New()
	for _, s := range []string{sql, searchPath, role} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Normal is a statement without its values. Of a cursor or a prepared statement it is the
// query alone.
type Normal struct {
	// SQL prepares on a server with the types in Params, and means what the text did.
	SQL  string
	Kind Kind
	// Params has the type of each parameter of SQL: "" for the client's own, which it may
	// declare or not; that of the literal that stood there: integer, bigint, numeric, bit, text,
	// and unknown for a string that takes its type from where it stands.
	Params []string
	// From has the client's number for each parameter, 0 for a literal.
	From []int
	// Tables counts the relations in FROM and JOIN, and those changed beside others.
	Tables int
	// Unread is the parser's word where it does not take the text. SQL is then the text as
	// Lexical gives it.
	Unread string
	// Comments are what stood in comments.
	Comments []string
}

// mostParams is how many parameters a message can have.
const mostParams = 65535

// Split cuts a message into its statements, as the server does.
func Split(sql string) ([]string, error) {
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

// Normalise takes the values out of one statement: each literal becomes a parameter, or
// is left out where Postgres takes none. Lists of values and rows of VALUES become one.
func Normalise(sql string) Normal {
	n, _ := normalise(sql)
	return n
}

// normalise also gives the statement, nil where it was not read.
func normalise(sql string) (Normal, *statement) {
	sql = strings.ToValidUTF8(sql, "?")
	n := Normal{Kind: Other}
	for _, c := range pgparse.Comments(sql) {
		words := strings.TrimPrefix(sql[c.Start:c.End], "--")
		n.Comments = append(n.Comments, strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(words, "/*"), "*/")))
	}
	f, err := pgparse.SplitBy(sql, pgparse.Reader{Message: true})
	switch {
	case err != nil:
		return n.unread(sql, err.Error()), nil
	case len(f.Stmts) == 0:
		return n, nil
	case len(f.Stmts) > 1:
		return n.unread(sql, fmt.Sprintf("%d statements where one was expected", len(f.Stmts))), nil
	case f.Stmts[0].Err != nil:
		return n.unread(sql, message(f.Stmts[0].Err)), nil
	}
	st := &f.Stmts[0]
	s := &statement{instead: map[int]string{}, casts: map[int]string{}, types: map[int]string{}, same: map[int]int{}}
	s.cut(f.Src[st.Start:st.End])
	n.Kind, n.Tables = kindOf(st.Node), tables(st.Node)
	s.frame(st.Node)
	s.collapse()
	n.SQL = s.write()
	if text := ofSession(st.Node, n.SQL); text != "" {
		n.SQL = text
	}
	if len(s.params) > mostParams {
		return n.unread(sql, fmt.Sprintf("it has more than %d values", mostParams)), nil
	}
	n.Params, n.From = s.params, s.from
	if n.Kind == DDL || n.Kind == Other || n.Kind == Copy {
		n.SQL = settled(sql, n.SQL)
	}
	return n, s
}

func (n Normal) unread(sql, why string) Normal {
	n.Kind, n.Unread, n.Tables = Broken, why, 0
	n.SQL = string(Lexical(nil, sql))
	n.SQL = settled(sql, n.SQL)
	return n
}

// settled is what a text without values comes to when it is read again: the parser may take
// one that it did not take, or the other way round.
func settled(was, is string) string {
	for i := 0; i < 3 && is != was; i++ {
		was, is = is, Normalise(is).SQL
	}
	return is
}

// message is the parser's word, without what it quotes of the text: that may be a value.
func message(err *pgparse.SyntaxError) string {
	words := err.Message
	if i := strings.Index(words, ` at or near "`); i >= 0 {
		words = words[:i]
	}
	return words
}

// statement is a text whose syntax tree is known.
type statement struct {
	text
	instead map[int]string // what stands for a literal that can be no parameter
	casts   map[int]string // the type that a literal names
	types   map[int]string // the type of a parameter, where it is not that of the literal
	same    map[int]int    // a literal that has the parameter of another
	argType []string       // the types of PREPARE

	params  []string
	from    []int
	literal []int // the token of each parameter that stands for a literal
	numbers map[string]int
}

// write is the text with its parameters.
func (s *statement) write() string {
	dst := make([]byte, 0, len(s.sql))
	s.numbers = map[string]int{}
	for i := range s.toks {
		tok := &s.toks[i]
		if tok.drop {
			continue
		}
		at := int(tok.pick)
		from, cast := &s.toks[at], s.casts[i]
		written := s.of(at)
		switch {
		case from.kind == pgparse.LexemeParam:
			written = s.client(written)
		case from.literal() && from.fate == unsaid:
			written = s.instead[at]
		case from.literal() && from.fate == lost:
			written = gone
		case from.literal() && from.fate == param:
			written = s.value(at)
		}
		if written == "" {
			continue
		}
		dst = append(gap(dst, 0, tok.space, written[0]), written...)
		if cast != "" {
			dst = append(append(dst, "::"...), cast...)
		}
	}
	return string(dst)
}

// client is the parameter of one of the client's.
func (s *statement) client(text string) string {
	number, err := strconv.Atoi(text[1:])
	if err != nil {
		return text
	}
	declared := ""
	if number > 0 && number <= len(s.argType) {
		declared = s.argType[number-1]
	}
	return s.numbered(text, declared, number, 0)
}

// value is the parameter of a literal.
func (s *statement) value(i int) string {
	i = s.root(i)
	typ := s.types[i]
	if typ == "" {
		typ = s.literalType(i)
	}
	return s.numbered("#"+strconv.Itoa(i), typ, 0, i)
}

func (s *statement) numbered(key, typ string, from, literal int) string {
	n := s.numbers[key]
	if n == 0 {
		n = len(s.params) + 1
		s.numbers[key] = n
		s.params, s.from, s.literal = append(s.params, typ), append(s.from, from), append(s.literal, literal)
	}
	return "$" + strconv.Itoa(n)
}
