package replay

import (
	"maps"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/transcript"
)

// The ends of transactions are found in the statements, however they are written and sent.
func TestRowMoments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines  []string
		before map[int]bool
		after  []int
	}{
		"plain":              {[]string{"0:BEGIN", "0<T", "0:ROLLBACK", "0<I"}, map[int]bool{2: true}, nil},
		"comment":            {[]string{"0:BEGIN", "0<T", "0:/* test: a */ ROLLBACK -- b", "0<I"}, map[int]bool{2: true}, nil},
		"commit":             {[]string{"0:BEGIN", "0<T", "0:-- a\nCOMMIT", "0<I"}, map[int]bool{}, []int{3}},
		"one message":        {[]string{"0:BEGIN; INSERT INTO a VALUES (';COMMIT'); COMMIT", "0<I"}, map[int]bool{}, []int{1}},
		"its own":            {[]string{"0:BEGIN; INSERT INTO a VALUES (1); ROLLBACK", "0<I"}, map[int]bool{}, nil},
		"a text":             {[]string{"0:SELECT 'COMMIT'", "0<I"}, map[int]bool{}, nil},
		"a comment only":     {[]string{"0:/* ROLLBACK */ SELECT 1", "0<I"}, map[int]bool{}, nil},
		"delete":             {[]string{"0:/* clean */ DELETE FROM a", "0<I"}, map[int]bool{0: false}, nil},
		"second of message":  {[]string{"0:SET x.y = 1; TRUNCATE a", "0<I"}, map[int]bool{0: false}, nil},
		"with":               {[]string{"0:WITH x AS (SELECT 1) DELETE FROM a", "0<I"}, map[int]bool{0: false}, nil},
		"work":               {[]string{"0:BEGIN WORK", "0<T", "0:ABORT WORK", "0<I"}, map[int]bool{2: true}, nil},
		"end":                {[]string{"0:BEGIN", "0<T", "0:END", "0<I"}, map[int]bool{}, []int{3}},
		"also commits":       {[]string{"0:BEGIN", "0<T", "0:ROLLBACK", "0<I", "0:BEGIN; COMMIT", "0<I"}, map[int]bool{}, []int{5}},
		"savepoint":          {[]string{`0:SAVEPOINT "A b"`, "0<T", `0:ROLLBACK TO SAVEPOINT "A b"`, "0<T"}, map[int]bool{2: true}, nil},
		"inner savepoint":    {[]string{"0:SAVEPOINT a", "0<T", "0:SAVEPOINT b", "0<T", "0:ROLLBACK TO b", "0<T"}, map[int]bool{}, nil},
		"released savepoint": {[]string{"0:SAVEPOINT a; RELEASE a", "0<T", "0:SAVEPOINT a", "0<T", "0:ROLLBACK TO a", "0<T"}, map[int]bool{}, nil},
		"two-phase":          {[]string{"0:BEGIN; PREPARE TRANSACTION 'x'", "0<I", "0:COMMIT PREPARED 'x'", "0<I"}, map[int]bool{}, []int{3}},
		"chain":              {[]string{"0:BEGIN", "0<T", "0:COMMIT AND CHAIN", "0<T"}, map[int]bool{}, []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := SplitLanes(tell([]string{"app"}, c.lines...), nil)[0].Tests.moments
			if !maps.Equal(got.before, c.before) || !slices.Equal(slices.Sorted(maps.Keys(got.after)), c.after) {
				t.Errorf("before %v, after %v; want %v and %v", got.before, slices.Sorted(maps.Keys(got.after)), c.before, c.after)
			}
		})
	}
}

// A statement that was prepared once counts each time that it is executed, and rows are read before the first message of its group.
func TestPreparedRowMoments(t *testing.T) {
	t.Parallel()
	recorded := &transcript.Transcript{Database: "app", Sessions: []transcript.Session{{Database: "app"}}}
	add := func(source transcript.Source, kind byte, body []byte) {
		recorded.Events = append(recorded.Events, transcript.Event{Source: source, Kind: kind, Body: body})
	}
	send := func(m pgproto3.FrontendMessage) {
		frame, err := m.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		add(transcript.Client, frame[0], frame[5:])
	}
	send(&pgproto3.Parse{Name: "clean", Query: "DELETE FROM a"})
	send(&pgproto3.Sync{})
	add(transcript.Server, 'Z', []byte("I"))
	for range 2 { // the first messages are 3 and 7
		send(&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "clean"})
		send(&pgproto3.Execute{Portal: "p"})
		send(&pgproto3.Sync{})
		add(transcript.Server, 'Z', []byte("I"))
	}
	if got := SplitLanes(recorded, nil)[0].Tests.moments.before; !maps.Equal(got, map[int]bool{3: false, 7: false}) {
		t.Errorf("before %v", got)
	}
}
