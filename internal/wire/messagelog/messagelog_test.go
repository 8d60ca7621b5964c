package messagelog_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/messagelog"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// logged runs code with sessions through a proxy, and returns what they sent. The database has a table.
func logged(t *testing.T, major int, sink wire.Sink, run func(ctx context.Context, connect func() *pgconn.PgConn)) *transcript.Transcript {
	t.Helper()
	ctx := t.Context()
	url, direct := pgservertest.ConnectNew(t, major, "CREATE TABLE t (id int PRIMARY KEY, note text)")
	server, err := wire.ParseServer(url)
	if err != nil {
		t.Fatal(err)
	}
	log := messagelog.New()
	proxy, err := wire.Listen(ctx, wire.Config{Server: server, Sink: sink, Whole: log})
	if err != nil {
		t.Fatal(err)
	}
	var open []*pgconn.PgConn
	run(ctx, func() *pgconn.PgConn {
		to := fmt.Sprintf("%s@%s/%s", direct.Config().User, proxy.Addr(), direct.Config().Database)
		c, err := pgconn.Connect(ctx, "postgres://"+to+"?sslmode=disable&application_name=suite")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		return c
	})
	for _, c := range open {
		_ = c.Close(ctx) // it may be broken
	}
	if err := proxy.Close(); err != nil {
		t.Error(err)
	}
	return log.Transcript()
}

// describeEvents returns events as "1>Q SELECT 1" and "1<C INSERT 0 1", sessions counted from 1. Zero bytes are shown as a bar, and only the kind of
// descriptions, errors' fields by their SQLSTATE.
func describeEvents(events []transcript.Event) []string {
	var out []string
	for _, e := range events {
		n := e.Session + 1
		body := strings.ReplaceAll(strings.TrimRight(string(e.Body), "\x00"), "\x00", "|")
		switch {
		case e.Source == transcript.Begins:
			out = append(out, fmt.Sprintf("%d begins", n))
		case e.Source == transcript.Ends:
			out = append(out, fmt.Sprintf("%d ends", n))
		case e.Source == transcript.Client:
			out = append(out, strings.TrimSpace(fmt.Sprintf("%d>%c %s", n, e.Kind, body)))
		case e.Kind == 'E':
			out = append(out, fmt.Sprintf("%d<E %s", n, wire.ErrorField(e.Body, 'C')))
		case e.Kind == 'C' || e.Kind == 'Z':
			out = append(out, fmt.Sprintf("%d<%c %s", n, e.Kind, body))
		default:
			out = append(out, fmt.Sprintf("%d<%c", n, e.Kind))
		}
	}
	return out
}

// sides returns what the client of a session sent, and what the server did: copying sends data while the server answers.
func sides(list []string) (client, server []string) {
	for _, e := range list {
		if strings.Contains(e, "<") {
			server = append(server, e)
		} else {
			client = append(client, e)
		}
	}
	return client, server
}

func exec(t *testing.T, ctx context.Context, c *pgconn.PgConn, list ...string) {
	t.Helper()
	for _, sql := range list {
		if _, err := c.Exec(ctx, sql).ReadAll(); err != nil {
			t.Errorf("exec %q: %v", sql, err)
		}
	}
}

// wantState fails the test unless an error has this SQLSTATE.
func wantState(t *testing.T, err error, state string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), state) {
		t.Errorf("%v, not %s", err, state)
	}
}

func diff(t *testing.T, got, want []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("want -, got +\n%s", d)
	}
}

// Messages of the simple protocol: several statements in one, an error in a transaction, savepoints, a cursor, and two
// sessions whose transactions overlap, in the order in which their clients had the answers.
func TestSimpleProtocol(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		got := logged(t, major, nil, func(ctx context.Context, connect func() *pgconn.PgConn) {
			a := connect()
			_, err := a.Exec(ctx, "INSERT INTO t VALUES (1, 'x'); SELECT 1/0; SELECT 2").ReadAll()
			wantState(t, err, "22012")
			exec(t, ctx, a, "BEGIN", "INSERT INTO t VALUES (1, 'a')", "SAVEPOINT s")
			b := connect()
			exec(t, ctx, b, "BEGIN; INSERT INTO t VALUES (2, 'b')")
			_, err = a.Exec(ctx, "INSERT INTO t VALUES (1, 'again')").ReadAll()
			wantState(t, err, "23505")
			exec(t, ctx, a, "ROLLBACK TO s", "DECLARE c CURSOR FOR SELECT 1 UNION ALL SELECT 2", "FETCH 1 FROM c", "COMMIT")
			exec(t, ctx, b, "SELECT 1", "ROLLBACK", "")
			if err := b.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		want := []string{
			"1 begins", "1>Q INSERT INTO t VALUES (1, 'x'); SELECT 1/0; SELECT 2", "1<C INSERT 0 1", "1<T", "1<E 22012", "1<Z I",
			"1>Q BEGIN", "1<C BEGIN", "1<Z T", "1>Q INSERT INTO t VALUES (1, 'a')", "1<C INSERT 0 1", "1<Z T", "1>Q SAVEPOINT s", "1<C SAVEPOINT", "1<Z T",
			"2 begins", "2>Q BEGIN; INSERT INTO t VALUES (2, 'b')", "2<C BEGIN", "2<C INSERT 0 1", "2<Z T",
			"1>Q INSERT INTO t VALUES (1, 'again')", "1<E 23505", "1<Z E", "1>Q ROLLBACK TO s", "1<C ROLLBACK", "1<Z T",
			"1>Q DECLARE c CURSOR FOR SELECT 1 UNION ALL SELECT 2", "1<C DECLARE CURSOR", "1<Z T", "1>Q FETCH 1 FROM c", "1<T", "1<D", "1<C FETCH 1", "1<Z T",
			"1>Q COMMIT", "1<C COMMIT", "1<Z I", "2>Q SELECT 1", "2<T", "2<D", "2<C SELECT 1", "2<Z T", "2>Q ROLLBACK", "2<C ROLLBACK", "2<Z I", "2>Q", "2<I", "2<Z I",
		}
		list := describeEvents(got.Events)
		// The server evaluates 1/0 before it describes the result, or after.
		if i := slices.Index(list, "1<E 22012"); i > 0 && list[i-1] != "1<T" {
			want = slices.Delete(want, 3, 4)
		}
		// A client that leaves does not wait for its end.
		var left []string
		list = slices.DeleteFunc(list, func(e string) bool {
			ends := strings.HasSuffix(e, " ends") || strings.HasSuffix(e, ">X")
			if ends {
				left = append(left, e)
			}
			return ends
		})
		diff(t, list, want)
		diff(t, slices.Sorted(slices.Values(left)), []string{"1 ends", "1>X", "2 ends", "2>X"})
		if s := got.Sessions; len(s) != 2 || s[0].Parameters["application_name"] != "suite" || s[0].User == "" || s[0].Database == "" || s[0].Lost != "" {
			t.Errorf("the sessions are %+v, want 2, nothing lost, and application_name suite", s)
		}
	})
}

// Messages of the extended protocol: statements without declared types, values as text and in binary, a pipeline with an
// error, COPY, and a portal that is read in parts.
func TestExtendedProtocol(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		got := logged(t, major, nil, func(ctx context.Context, connect func() *pgconn.PgConn) {
			c := connect()
			if _, err := c.Prepare(ctx, "p", "INSERT INTO t VALUES ($1, $2)", nil); err != nil {
				t.Error(err)
			}
			if r := c.ExecPrepared(ctx, "p", [][]byte{[]byte("1"), nil}, nil, nil).Read(); r.Err != nil {
				t.Errorf("execute the prepared INSERT: %v", r.Err)
			}
			if r := c.ExecParams(ctx, "SELECT $1", [][]byte{{0, 0, 0, 7}}, []uint32{23}, []int16{1}, nil).Read(); r.Err != nil {
				t.Errorf("SELECT a binary parameter: %v", r.Err)
			}
			p := c.StartPipeline(ctx)
			for _, id := range []string{"2", "1", "3"} {
				p.SendQueryParams("INSERT INTO t VALUES ($1)", [][]byte{[]byte(id)}, nil, nil, nil)
			}
			if err := p.Sync(); err != nil {
				t.Error(err)
			}
			wantState(t, p.Close(), "23505")
		})
		client, server := sides(describeEvents(got.Events))
		insert := "1>P |INSERT INTO t VALUES ($1)"
		diff(t, client, []string{
			"1 begins", "1>P p|INSERT INTO t VALUES ($1, $2)", "1>D Sp", "1>S", "1>B |p||||\x02|||\x011\xff\xff\xff\xff", "1>D P", "1>E", "1>S",
			"1>P |SELECT $1||\x01|||\x17", "1>B |||\x01|\x01|\x01|||\x04|||\x07", "1>D P", "1>E", "1>S",
			insert, "1>B |||||\x01|||\x012", "1>D P", "1>E", insert, "1>B |||||\x01|||\x011", "1>D P", "1>E", insert, "1>B |||||\x01|||\x013", "1>D P", "1>E", "1>S",
			"1>X", "1 ends",
		})
		diff(t, server, []string{
			"1<1", "1<t", "1<n", "1<Z I", "1<2", "1<n", "1<C INSERT 0 1", "1<Z I", "1<1", "1<2", "1<T", "1<D", "1<C SELECT 1", "1<Z I",
			"1<1", "1<2", "1<n", "1<C INSERT 0 1", "1<1", "1<2", "1<n", "1<E 23505", "1<Z I",
		})
	})
}

func TestCopyAndPortal(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		got := logged(t, major, nil, func(ctx context.Context, connect func() *pgconn.PgConn) {
			c := connect()
			if _, err := c.CopyFrom(ctx, strings.NewReader("1\tsecret row\n2\t\\N\n"), "COPY t FROM STDIN"); err != nil {
				t.Error(err)
			}
			if _, err := c.CopyTo(ctx, io.Discard, "COPY t TO STDOUT"); err != nil {
				t.Error(err)
			}
			h, err := c.Hijack()
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []pgproto3.FrontendMessage{
				&pgproto3.Parse{Query: "SELECT id FROM t"}, &pgproto3.Bind{DestinationPortal: "rows"}, &pgproto3.Execute{Portal: "rows", MaxRows: 1},
				&pgproto3.Execute{Portal: "rows"}, &pgproto3.Close{ObjectType: 'P', Name: "rows"}, &pgproto3.Sync{},
			} {
				h.Frontend.Send(m)
			}
			if err := h.Frontend.Flush(); err != nil {
				t.Fatal(err)
			}
			for {
				m, err := h.Frontend.Receive()
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := m.(*pgproto3.ReadyForQuery); ok {
					break
				}
			}
			h.Conn.Close()
		})
		client, server := sides(describeEvents(got.Events))
		diff(t, client, []string{
			"1 begins", "1>Q COPY t FROM STDIN", "1>d 1\tsecret row\n2\t\\N", "1>c", "1>Q COPY t TO STDOUT",
			"1>P |SELECT id FROM t", "1>B rows", "1>E rows||||\x01", "1>E rows", "1>C Prows", "1>S", "1 ends",
		})
		diff(t, server, []string{
			"1<G", "1<C COPY 2", "1<Z I", "1<H", "1<C COPY 2", "1<Z I", "1<1", "1<2", "1<D", "1<s", "1<D", "1<C SELECT 1", "1<3", "1<Z I",
		})
	})
}

// cut is a sink that notes the longest body that it was shown, and the kinds.
type cut struct {
	longest int
	kinds   string
}

func (c *cut) Session(wire.Startup) wire.Tap { return c }
func (c *cut) Client(kind byte, body []byte, _ int) {
	c.longest, c.kinds = max(c.longest, len(body)), c.kinds+string(rune(kind))
}
func (c *cut) Server(byte, []byte, int) {}
func (c *cut) EndReading(string)        {}
func (c *cut) Close()                   {}

// Messages are whole beyond the limits of other sinks, which see no more than without the log. Results are cut.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	text, value := strings.Repeat("q", 3<<20), strings.Repeat("v", 300<<10)
	sink := new(cut)
	got := logged(t, onward.NewestMajor, sink, func(ctx context.Context, connect func() *pgconn.PgConn) {
		c := connect()
		exec(t, ctx, c, "SELECT length('"+text+"')", "SELECT generate_series(1, 300)", "SELECT repeat('r', 100000)")
		if r := c.ExecParams(ctx, "INSERT INTO t VALUES (1, $1)", [][]byte{[]byte(value)}, nil, nil, nil).Read(); r.Err != nil {
			t.Errorf("INSERT a long value: %v", r.Err)
		}
		if _, err := c.CopyFrom(ctx, strings.NewReader("2\t"+value+"\n"), "COPY t FROM STDIN"); err != nil {
			t.Error(err)
		}
	})
	rows, longest, data, whole := 0, 0, 0, ""
	for _, e := range got.Events {
		switch {
		case e.Source == transcript.Server && e.Kind == 'D':
			rows, longest = rows+1, max(longest, len(e.Body))
		case e.Kind == 'd':
			data += len(e.Body)
		case e.Source == transcript.Client && e.Kind == 'Q' && strings.Contains(string(e.Body), text):
			whole += "Q"
		case e.Source == transcript.Client && e.Kind == 'B' && strings.Contains(string(e.Body), value):
			whole += "B"
		}
	}
	if whole != "QB" || data != len("2\t\n")+len(value) || rows != 1+messagelog.MaxRows+1 || longest != wire.MaxWholeRow {
		t.Errorf("%s are whole, %d bytes of COPY, %d rows, at most %d bytes", whole, data, rows, longest)
	}
	if sink.longest != wire.MaxText || strings.Contains(sink.kinds, "d") {
		t.Errorf("another sink is shown %d bytes, and %s", sink.longest, sink.kinds)
	}
}

// A session that the server refuses does not begin; of one that makes no sense, what was before it is kept.
func TestIncompleteSessions(t *testing.T) {
	t.Parallel()
	got := logged(t, onward.NewestMajor, nil, func(ctx context.Context, connect func() *pgconn.PgConn) {
		c := connect()
		exec(t, ctx, c, "SELECT 1")
		cfg := c.Conn().RemoteAddr().String()
		if _, err := pgx.Connect(ctx, "postgres://postgres@"+cfg+"/not_there?sslmode=disable"); err == nil {
			t.Error("a database that is not there")
		}
		if _, err := c.Conn().Write(binary.BigEndian.AppendUint32([]byte{'Q'}, 2)); err != nil { // shorter than its length
			t.Error(err)
		}
		io.Copy(io.Discard, c.Conn())
	})
	diff(t, got.Notes, []string{"1 of 1 sessions are not whole"})
	if len(got.Sessions) != 1 || !strings.Contains(got.Sessions[0].Lost, "no Postgres protocol") {
		t.Errorf("the sessions are %+v, the notes %q, want one session lost: no Postgres protocol", got.Sessions, got.Notes)
	}
	diff(t, describeEvents(got.Events), []string{"1 begins", "1>Q SELECT 1", "1<T", "1<D", "1<C SELECT 1", "1<Z I", "1 ends"})
}
