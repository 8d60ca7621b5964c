package replay

import (
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/transcript"
)

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
