package wire_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
)

// probes is a sink that asks after each message.
type probes struct {
	taps
	mu      sync.Mutex
	answers []string
}

func (s *probes) Session(wire.Startup) wire.Tap           { return s }
func (s *probes) Hold(context.Context, *wire.Session)     {}
func (s *probes) Question() string                        { return "pg_catalog.txid_current_if_assigned()" }
func (s *probes) Probe(kind byte) bool                    { return true }
func (s *probes) Server(kind byte, body []byte, size int) { s.taps.Server(kind, body, size) }
func (s *probes) Probed(isNull bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, map[bool]string{true: "none", false: "assigned"}[isNull])
}

// script sends messages over a connection of its own, and returns what came back, with the transaction IDs and process numbers left out.
func script(t *testing.T, cfg *pgx.ConnConfig, messages [][]pgproto3.FrontendMessage) (out []string) {
	t.Helper()
	conn := connect(t, cfg)
	hijacked, err := conn.PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hijacked.Conn.Close() })
	front := hijacked.Frontend
	for _, list := range messages {
		var data []byte
		for _, m := range list {
			if data, err = m.Encode(data); err != nil {
				t.Fatal(err)
			}
		}
		writeInPieces(t, hijacked.Conn, data)
		for done := false; !done; {
			m, err := front.Receive()
			if err != nil {
				t.Fatalf("receive a message: %v; the messages before: %q", err, out)
			}
			switch m := m.(type) {
			case *pgproto3.ErrorResponse:
				out = append(out, "error "+m.Code)
			case *pgproto3.NoticeResponse:
				out = append(out, "notice "+m.Message)
			case *pgproto3.DataRow:
				out = append(out, "row "+string(bytes.Join(m.Values, []byte("|"))))
			case *pgproto3.CommandComplete:
				out = append(out, string(m.CommandTag))
			case *pgproto3.CopyInResponse:
				out, done = append(out, "copy in"), true
			case *pgproto3.ReadyForQuery:
				out, done = append(out, "ready "+string(m.TxStatus)), true
			default:
				out = append(out, strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3."))
			}
		}
	}
	return out
}

// writeInPieces writes some bytes at a time, so that messages come cut at any place.
func writeInPieces(t *testing.T, conn net.Conn, data []byte) {
	t.Helper()
	for piece := range slices.Chunk(data, 7) {
		if _, err := conn.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
}

// The client gets the same answers with and without a question behind each message, in both protocols.
func TestProbeIsUnseen(t *testing.T) {
	t.Parallel()
	q := func(text string) []pgproto3.FrontendMessage {
		return []pgproto3.FrontendMessage{&pgproto3.Query{String: text}}
	}
	execute := func(text string) []pgproto3.FrontendMessage {
		return []pgproto3.FrontendMessage{&pgproto3.Parse{Query: text}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{}}
	}
	messages := [][]pgproto3.FrontendMessage{
		q("SELECT 1 -- no end of the line"), q("SELECT 1; SELECT 2;"), q("INSERT INTO t VALUES (1), (2)"), q("SELECT * FROM nowhere"),
		q("BEGIN"), q("UPDATE t SET n = n WHERE false"), q("SELECT n FROM t ORDER BY n"), q("SELECT 1/0"), q("SELECT 1"), q("ROLLBACK"),
		q("COPY t FROM STDIN"), {&pgproto3.CopyData{Data: []byte("3\n")}, &pgproto3.CopyDone{}}, q("COPY t TO STDOUT"),
		q("DO $$BEGIN RAISE NOTICE 'hear'; RAISE WARNING 'me'; END$$"), q("SET client_min_messages = debug1"), execute("SELECT n FROM t"),
		execute("INSERT INTO t VALUES (4)"), execute("SELECT 1/0"), execute("SELECT * FROM nowhere"), execute("SET DateStyle = 'German'"),
		// An unnamed statement is used by a later message.
		{&pgproto3.Parse{Query: "SELECT $1::int"}, &pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Sync{}},
		{&pgproto3.Bind{Parameters: [][]byte{[]byte("5")}}, &pgproto3.Execute{}, &pgproto3.Sync{}},
		{&pgproto3.Parse{Name: "kept", Query: "SELECT 6"}, &pgproto3.Sync{}},
		{&pgproto3.Bind{PreparedStatement: "kept"}, &pgproto3.Execute{}, &pgproto3.Close{ObjectType: 'S', Name: "kept"}, &pgproto3.Sync{}},
		execute("BEGIN"), execute("INSERT INTO t VALUES (5)"), execute("COMMIT"), execute("DISCARD ALL"), execute("SELECT n FROM t"),
		execute("INSERT INTO d VALUES (1, 2)"), // refused at the end of its transaction
	}
	results := map[string][]string{}
	sink := &probes{}
	for name, c := range map[string]wire.Config{"without": {}, "with": {Sink: sink}} {
		_, cfg := before(t, c)
		pgservertest.Exec(t, connect(t, cfg), "CREATE TABLE t (n int); CREATE TABLE d (id int PRIMARY KEY, parent int REFERENCES d DEFERRABLE INITIALLY DEFERRED)")
		results[name] = script(t, cfg, messages)
	}
	if diff := cmp.Diff(results["without"], results["with"]); diff != "" || len(results["with"]) < 80 {
		t.Error(diff)
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if n := len(sink.answers); n < 20 || !slices.Contains(sink.answers, "assigned") || !slices.Contains(sink.answers, "none") {
		t.Errorf("answers: %v", sink.answers)
	}
}
