package replay

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

// ListValues returns the values that a statement was sent with, as literals: its parameters, or what its text has in the place of parameters. A value that
// cannot be read is in hexadecimal, or "?".
func ListValues(t *transcript.Transcript, a *Answer) []string {
	var out []string
	if a.Bind < 0 {
		for _, value := range workload.ParameterValues(a.SQL) {
			out = append(out, formatLiteral(value))
		}
		return out
	}
	var bind pgproto3.Bind
	if bind.Decode(t.Events[a.Bind].Body) != nil {
		return nil
	}
	oids, types := findParameterTypes(t, a.Bind, bind.PreparedStatement), pgtype.NewMap()
	for i, data := range bind.Parameters {
		switch {
		case data == nil:
			out = append(out, "NULL")
		case !wire.IsBinary(bind.ParameterFormatCodes, i):
			text := string(data)
			out = append(out, formatLiteral(&text))
		default:
			var oid uint32
			if i < len(oids) {
				oid = oids[i]
			}
			if text, known := wire.FormatBinary(types, oid, data); known {
				value := string(text)
				out = append(out, formatLiteral(&value))
				continue
			}
			out = append(out, "'\\x"+hex.EncodeToString(data)+"'")
		}
	}
	return out
}

// formatLiteral returns a value as SQL has it; numbers are without quotes.
func formatLiteral(value *string) string {
	if value == nil {
		return "?"
	}
	if _, err := strconv.ParseFloat(*value, 64); err == nil {
		return *value
	}
	return "'" + *value + "'"
}

// findParameterTypes returns the types of a statement's parameters: those that the server described, else those that the client declared.
func findParameterTypes(t *transcript.Transcript, bind int, name string) []uint32 {
	session := t.Events[bind].Session
	var declared, described []uint32
	matches := false // the statement that was last prepared has the name
	for i := range t.Events[:bind] {
		e := &t.Events[i]
		if e.Session != session {
			continue
		}
		var parse pgproto3.Parse
		switch {
		case e.Source == transcript.Client && e.Kind == 'P' && parse.Decode(e.Body) == nil:
			if matches = parse.Name == name; matches {
				declared, described = parse.ParameterOIDs, nil
			}
		case e.Source == transcript.Server && e.Kind == 't' && matches:
			described = readTypeList(e.Body)
		}
	}
	if described != nil {
		return described
	}
	return declared
}

// readTypeList reads a ParameterDescription.
func readTypeList(body []byte) []uint32 {
	if len(body) < 2 {
		return nil
	}
	out := make([]uint32, 0, len(body)/4)
	for rest := body[2:]; len(rest) >= 4; rest = rest[4:] {
		out = append(out, binary.BigEndian.Uint32(rest))
	}
	return out
}
