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

// Execution is a statement to execute by itself, in its own transaction, with values.
type Execution struct {
	SQL string
	// Types are the declared types of the parameters. Values are texts; nil is NULL.
	Types  []uint32
	Values [][]byte
	// Role is "" for the role of the migrations, SearchPath "" for the default.
	Role, SearchPath string
}

// MakeLane returns a lane that executes statements one after the other, each in a transaction that is rolled back. numbers has the indices of the
// statements by the events of their messages.
func MakeLane(list []Execution) (lane Lane, numbers map[int]int, err error) {
	const database = "made"
	t := &transcript.Transcript{Database: database}
	type settings struct{ role, path string }
	sessions := map[settings]int{}
	numbers = map[int]int{}
	for number, x := range list {
		key := settings{x.Role, x.SearchPath}
		session, known := sessions[key]
		if !known {
			session = len(t.Sessions)
			sessions[key] = session
			s := transcript.Session{User: x.Role, Database: database, Parameters: map[string]string{}}
			if x.SearchPath != "" {
				s.Parameters["search_path"] = x.SearchPath
			}
			t.Sessions = append(t.Sessions, s)
		}
		const groups = 3 // each is answered with ReadyForQuery
		for _, m := range []pgproto3.FrontendMessage{
			&pgproto3.Query{String: "BEGIN"},
			&pgproto3.Parse{Query: x.SQL, ParameterOIDs: x.Types},
			&pgproto3.Bind{Parameters: x.Values},
			&pgproto3.Describe{ObjectType: 'P'},
			&pgproto3.Execute{},
			&pgproto3.Sync{},
			&pgproto3.Query{String: "ROLLBACK"},
		} {
			frame, err := m.Encode(nil)
			if err != nil {
				return Lane{}, nil, err
			}
			if kind := frame[0]; kind == 'P' || kind == 'B' || kind == 'D' || kind == 'E' {
				numbers[len(t.Events)] = number
			}
			t.Events = append(t.Events, transcript.Event{Session: session, Source: transcript.Client, Kind: frame[0], Body: frame[5:]})
		}
		for range groups {
			t.Events = append(t.Events, transcript.Event{Session: session, Source: transcript.Server, Kind: 'Z', Body: []byte("I")})
		}
	}
	return Lane{Transcript: t, Database: database, End: len(t.Events)}, numbers, nil
}

// FormatValue returns a value as SQL has it.
func FormatValue(text []byte) string {
	if text == nil {
		return "NULL"
	}
	value := string(text)
	return formatLiteral(&value)
}

// rememberColumns keeps the columns of a prepared statement that the recording has.
func (s *playedSession) rememberColumns(kind byte, body []byte, recorded *Answer) {
	var m pgproto3.Describe
	if kind == 'D' && recorded != nil && m.Decode(body) == nil && m.ObjectType == 'S' {
		s.described[m.Name] = recorded.Columns
	}
}

// fitResultFormats returns a Bind message with a format for each column that the statement has now. A driver that names a format for each column
// takes their number from the server's description, and a release may have added columns to SELECT *. They are read as text.
func (s *playedSession) fitResultFormats(body []byte) []byte {
	var m pgproto3.Bind
	if m.Decode(body) != nil || len(m.ResultFormatCodes) < 2 {
		return body
	}
	s.mu.Lock()
	columns := s.track.columns["S"+m.PreparedStatement]
	s.mu.Unlock()
	recorded := s.described[m.PreparedStatement]
	if len(columns) == 0 || len(columns) == len(m.ResultFormatCodes) || len(recorded) != len(m.ResultFormatCodes) {
		return body
	}
	formats := map[string]int16{}
	for i, c := range recorded {
		formats[c.Name] = m.ResultFormatCodes[i]
	}
	m.ResultFormatCodes = nil
	for _, c := range columns {
		m.ResultFormatCodes = append(m.ResultFormatCodes, formats[c.Name])
	}
	frame, err := m.Encode(nil)
	if err != nil {
		return body
	}
	return frame[5:]
}
