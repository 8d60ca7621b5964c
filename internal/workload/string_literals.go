package workload

import (
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Strings are the string literals that one parameter of Normalize(sql).SQL stands for.
type Strings struct {
	Values []string
	// Unread: one of them has a form that is not read: with escapes, in dollars.
	Unread bool
}

// ReadStrings gives the string literals of a statement, by parameter. Elements that lists and rows leave out count.
func ReadStrings(sql string) []Strings {
	_, s := normalizeStatement(sql)
	if s == nil {
		return nil
	}
	out := make([]Strings, len(s.params))
	for place := range s.toks {
		tok := &s.toks[place]
		index := s.rootToken(int(tok.pick))
		if tok.drop || !s.toks[index].isLiteral() || s.toks[index].fate != param {
			continue
		}
		i := slices.Index(s.literal, index)
		if i < 0 || s.from[i] > 0 {
			continue
		}
		for _, other := range append([]int{place, int(tok.pick)}, s.also[place]...) {
			out[i].addString(&s.text, other)
		}
	}
	return out
}

func (l *Strings) addString(t *text, index int) {
	if t.toks[index].kind != pgparse.LexemeString {
		return
	}
	value := t.readLiteral(index)
	switch {
	case value == nil:
		l.Unread = true
	case !slices.Contains(l.Values, *value):
		l.Values = append(l.Values, *value)
	}
}

// The types of Name.Type that are no type of Postgres.
const (
	TableName  = "table"
	ColumnName = "column" // of the table that the parameter before it names
)

// nameArguments are functions that take names as text, by argument.
var nameArguments = map[string][]string{
	"pg_get_serial_sequence": {TableName, ColumnName}, "to_regclass": {TableName}, "to_regtype": {"regtype"}, "to_regproc": {"regproc"},
	"to_regprocedure": {"regprocedure"}, "to_regrole": {"regrole"}, "to_regnamespace": {"regnamespace"},
}

// NameParams finds the parameters of a statement that name something although their type does not say so.
func NameParams(node *pgparse.Node) map[int]string {
	out := map[int]string{}
	pgparse.Walk(node, func(msg any) bool {
		switch n := msg.(type) {
		case *pgparse.FuncCall:
			if len(n.Funcname) == 0 {
				return true
			}
			for i, kind := range nameArguments[n.Funcname[len(n.Funcname)-1].GetString_().GetSval()] {
				if i < len(n.Args) {
					noteParameter(out, n.Args[i], kind)
				}
			}
		case *pgparse.TypeCast:
			if names := pgparse.StringTexts(n.GetTypeName().GetNames()); len(names) > 0 && IsNameType(names[len(names)-1]) && n.GetArg().GetTypeCast() != nil {
				noteParameter(out, n.GetArg(), names[len(names)-1])
			}
		}
		return true
	})
	return out
}

// noteParameter keeps the parameter that a node is, below casts.
func noteParameter(out map[int]string, n *pgparse.Node, kind string) {
	n = pgparse.StripCasts(n)
	if p := n.GetParamRef(); p != nil {
		out[int(p.GetNumber())] = kind
	}
}

// nameTypes are the types whose values name objects (https://www.postgresql.org/docs/current/datatype-oid.html).
var nameTypes = []string{
	"regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regconfig", "regdictionary",
	"regrole", "regnamespace", "regcollation",
}

// IsNameType reports whether the values of a type name objects.
func IsNameType(name string) bool { return slices.Contains(nameTypes, name) }

// mostNames bounds the names of one parameter.
const mostNames = 200

// MergeNames puts the names of two recordings together.
func MergeNames(a, b []Name) []Name {
	all := map[int]Name{}
	for _, n := range slices.Concat(a, b) {
		have, known := all[n.Param]
		values := slices.Concat(have.Values, n.Values)
		slices.Sort(values)
		values = slices.Compact(values)
		n.Type, n.Partial = max(have.Type, n.Type), n.Partial || known && have.Partial || len(values) > mostNames
		n.Values = values[:min(len(values), mostNames)]
		all[n.Param] = n
	}
	var out []Name
	for _, param := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[param])
	}
	return out
}

// MostValues is how many examples of its values a query keeps, if the recording keeps
// values.
const MostValues = 3

// ParameterValues returns the value of each parameter of Normalize(sql).SQL, as text that Postgres
// can read. nil stands for a parameter of the client, and for a literal with escapes, in
// dollar quotes or of bits, which is not read.
func ParameterValues(sql string) []*string {
	_, s := normalizeStatement(sql)
	if s == nil {
		return nil
	}
	out := make([]*string, len(s.params))
	for i, from := range s.from {
		if from > 0 {
			continue
		}
		out[i] = s.readLiteral(s.literal[i])
	}
	return out
}

// readLiteral is a literal's value as a text; nil if its form is not read.
func (t *text) readLiteral(i int) *string {
	tok := &t.toks[i]
	switch text := t.tokenText(i); {
	case tok.kind == pgparse.LexemeNumber && tok.minus:
		text = "-" + text
		return &text
	case tok.kind == pgparse.LexemeNumber:
		return &text
	case tok.kind == pgparse.LexemeString && len(text) >= 2 && text[0] == '\'' && strings.Count(text, "\n") == 0:
		text = strings.ReplaceAll(text[1:len(text)-1], "''", "'")
		return &text
	}
	return nil
}

// AddValues merges examples: sorted, without duplicates, at most MostValues.
func AddValues(a [][]*string, b ...[]*string) [][]*string {
	out := slices.Concat(a, b)
	slices.SortFunc(out, compareValues)
	out = slices.CompactFunc(out, func(a, b []*string) bool { return compareValues(a, b) == 0 })
	return out[:min(len(out), MostValues):min(len(out), MostValues)]
}

// compareValues orders NULL before values.
func compareValues(a, b []*string) int {
	return slices.CompareFunc(a, b, func(a, b *string) int {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return -1
		case b == nil:
			return 1
		}
		return strings.Compare(*a, *b)
	})
}

// literalType returns the type that Postgres gives a literal. A string is unknown: it
// takes its type from its context.
func (t *text) literalType(i int) string {
	tok := &t.toks[i]
	switch tok.kind {
	case pgparse.LexemeBits:
		return "bit"
	case pgparse.LexemeNumber:
		return numberType(t.tokenText(i), tok.minus)
	}
	return "unknown"
}

// numberType returns the type of a number: integer or bigint if it fits, else numeric.
func numberType(s string, minus bool) string {
	if len(s) < 10 && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0 {
		return "integer"
	}
	n, ok := new(big.Int).SetString(trimZeros(s), 0)
	if !ok || !n.IsInt64() && !minus {
		return "numeric"
	}
	if minus {
		n.Neg(n)
	}
	switch {
	case !n.IsInt64():
		return "numeric"
	case n.Int64() >= -1<<31 && n.Int64() < 1<<31:
		return "integer"
	}
	return "bigint"
}

// trimZeros removes the leading zeros of a number, which other languages read as octal.
func trimZeros(s string) string {
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		if s = strings.TrimLeft(s, "0"); s == "" {
			return "0"
		}
	}
	return s
}

// typeEnd returns the token after the type that begins at a token. Numbers in the type's
// brackets are not values.
func (t *text) typeEnd(i int) int {
	interval := t.isKeyword(i, "INTERVAL")
	first := i
	for i < len(t.toks) && (t.toks[i].kind == pgparse.LexemeWord || t.toks[i].kind == pgparse.LexemeQuoted) {
		i++
		if t.isKeyword(i-1, "SETOF", "NATIONAL") || t.isKeyword(i, "VARYING", "PRECISION", "CHARACTER") && i == first+1 {
			if t.isKeyword(i-1, "SETOF", "NATIONAL") {
				first = i
			}
			continue
		}
		if !t.isByte(i, '.') {
			break
		}
		i++
	}
	for interval && t.isKeyword(i, "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO") {
		i++
	}
	if t.isByte(i, '(') {
		i = t.bracketEnd(i)
	}
	if t.isKeyword(i, "WITH", "WITHOUT") && t.isKeyword(i+1, "TIME") && t.isKeyword(i+2, "ZONE") {
		i += 3
	}
	if t.isKeyword(i, "ARRAY") {
		i++
	}
	for t.isByte(i, '[') {
		i = t.bracketEnd(i)
	}
	return i
}

// bracketEnd returns the token after the bracket that closes the one at i.
func (t *text) bracketEnd(i int) int {
	depth := 0
	for ; i < len(t.toks); i++ {
		switch {
		case t.isByte(i, '('), t.isByte(i, '['):
			depth++
		case t.isByte(i, ')'), t.isByte(i, ']'):
			if depth--; depth <= 0 {
				return i + 1
			}
		}
	}
	return i
}

// castTypeName returns how a cast must spell the type of a literal such as char '…'. A type
// without a length is unbounded there, but has length one in a cast.
func castTypeName(words string) string {
	switch strings.ToLower(words) {
	case "char", "character", "nchar", "n", "national char", "national character":
		return "pg_catalog.bpchar"
	case "bit":
		return `pg_catalog."bit"`
	}
	return words
}

// joinTokens returns the text of some tokens, with one blank for white space.
func (t *text) joinTokens(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from && t.toks[i].space {
			b.WriteByte(' ')
		}
		b.WriteString(t.tokenText(i))
	}
	return b.String()
}
