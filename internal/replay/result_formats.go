package replay

import (
	"github.com/jackc/pgx/v5/pgproto3"
)

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
