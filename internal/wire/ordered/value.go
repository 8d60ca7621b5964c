package ordered

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/wire"
)

// value is a parameter of a Bind message.
type value struct {
	data         []byte
	null, binary bool
}

// firstUserOID is the first OID that types of a database may have: enums, domains.
const firstUserOID = 16384

// fillValues replaces the parameters of a statement by their values.
func (l *Log) fillValues(s *Statement) {
	if s.values == nil && s.SQL == s.Sent || s.Unread != "" {
		return
	}
	literals := make([]string, len(s.values))
	for i, v := range s.values {
		oid := uint32(0)
		if i < len(s.oids) {
			oid = s.oids[i]
		}
		text, ok := l.formatLiteral(v, oid)
		if !ok {
			s.Unread = "the value of its parameter $" + strconv.Itoa(i+1) + " has a form that is not read"
			return
		}
		literals[i] = text
	}
	s.SQL, s.Unread = substituteParams(s.Sent, literals)
}

// substituteParams replaces $1, $2 … in a text by literals. reason says why it cannot; "" if it could.
func substituteParams(sql string, literals []string) (out, reason string) {
	var b strings.Builder
	from := 0
	for offset := 0; ; {
		x := pgparse.NextLexeme(sql, offset)
		offset = x.End
		switch x.Kind {
		case pgparse.LexemeEnd:
			b.WriteString(sql[from:])
			return b.String(), ""
		case pgparse.LexemeParam:
			n, err := strconv.Atoi(sql[x.Start+1 : x.End])
			if err != nil || n < 1 || n > len(literals) {
				return sql, "it has no value for its parameter " + sql[x.Start:x.End]
			}
			b.WriteString(sql[from:x.Start])
			b.WriteString(literals[n-1])
			from = x.End
		}
	}
}

var plainNumber = lazyregexp.New(`^-?[0-9]+(\.[0-9]+)?$`)

// formatLiteral returns a value as an SQL constant of its type.
func (l *Log) formatLiteral(v value, oid uint32) (text string, ok bool) {
	if v.null {
		return "NULL", true
	}
	text, ok = l.valueText(v, oid)
	if !ok {
		return "", false
	}
	switch oid {
	case 0, pgtype.TextOID, pgtype.VarcharOID, pgtype.UnknownOID:
		return pgparse.QuoteLiteral(text), true
	case pgtype.BoolOID:
		switch text {
		case "t", "true":
			return "true", true
		case "f", "false":
			return "false", true
		}
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.Float4OID, pgtype.Float8OID, pgtype.OIDOID:
		if plainNumber.MatchString(text) {
			if text[0] == '-' {
				return "(" + text + ")", true
			}
			return text, true
		}
	}
	if typ, known := l.types.TypeForOID(oid); known && oid < firstUserOID {
		return pgparse.QuoteLiteral(text) + "::" + pgparse.QuoteIdent(typ.Name), true
	}
	return pgparse.QuoteLiteral(text), true
}

// valueText returns a value in the text format of its type.
func (l *Log) valueText(v value, oid uint32) (text string, ok bool) {
	data := v.data
	if v.binary && oid < firstUserOID {
		if data, ok = wire.FormatBinary(l.types, oid, data); !ok {
			return "", false
		}
	}
	// An enum's binary form is its text. Another type of the database has bytes that no text has.
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return "", false
	}
	return string(data), true
}
