package verify_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/verify"
)

// connectTo connects to another database of the recorded server, with more settings of the address.
func connectTo(ctx context.Context, database string, settings ...string) (*pgx.Conn, error) {
	address, err := url.Parse(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	if database != "" {
		address.Path = "/" + database
	}
	query := address.Query()
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		query.Set(name, value)
	}
	address.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return pgx.Connect(ctx, address.String())
}

// inDatabase sends statements to a database in a session of its own, one by one.
func inDatabase(ctx context.Context, database string, list ...string) error {
	c, err := connectTo(ctx, database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	return execAll(ctx, c, list...)
}

// testRooms are the messages of a test; the second one of three writes what the others do not.
func testRooms(i int) []string {
	return []string{fmt.Sprintf("INSERT INTO rooms (name, beds) VALUES ('Attic', %d)", (i+1)%2), "SELECT count(*) FROM rooms"}
}

// dumped is what pg_dump --inserts writes, in short.
const dumped = `SET check_function_bodies = false;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.names() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.rooms';
CREATE TABLE public.rooms (id bigint NOT NULL, name text NOT NULL, beds integer NOT NULL, code text);
CREATE SEQUENCE public.rooms_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER SEQUENCE public.rooms_id_seq OWNED BY public.rooms.id;
ALTER TABLE ONLY public.rooms ALTER COLUMN id SET DEFAULT nextval('public.rooms_id_seq'::regclass);
INSERT INTO public.rooms VALUES (1, 'Rose', 2, 'a');
SELECT pg_catalog.setval('public.rooms_id_seq', 2, true);
ALTER TABLE ONLY public.rooms ADD CONSTRAINT one_code UNIQUE (code);
ALTER TABLE ONLY public.rooms ADD CONSTRAINT rooms_pkey PRIMARY KEY (id);`

// copyForTests makes a database for each of three tests from a template, and drops it.
func copyForTests(ctx context.Context, c *pgx.Conn, template string) error {
	for i := range 3 {
		name := fmt.Sprintf("test_%d", i)
		if err := execAll(ctx, c, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
			return err
		}
		if err := inDatabase(ctx, name, testRooms(i)...); err != nil {
			return err
		}
		if err := execAll(ctx, c, "DROP DATABASE "+name); err != nil {
			return err
		}
	}
	return nil
}

// ownSchemaSuites make the schema themselves, without a table that says what has run.
var ownSchemaSuites = map[string]func(context.Context, *pgx.Conn) error{
	"template in one message": func(ctx context.Context, c *pgx.Conn) error {
		if err := execAll(ctx, c, "CREATE DATABASE template_test"); err != nil {
			return err
		}
		if err := inDatabase(ctx, "template_test", hotel); err != nil {
			return err
		}
		return copyForTests(ctx, c, "template_test")
	},
	"dumped template": func(ctx context.Context, c *pgx.Conn) error {
		if err := execAll(ctx, c, "CREATE DATABASE model"); err != nil {
			return err
		}
		if err := inDatabase(ctx, "model", dumped); err != nil {
			return err
		}
		return copyForTests(ctx, c, "model")
	},
	// The rows come after the schema, and each test needs them.
	"template with rows": func(ctx context.Context, c *pgx.Conn) error {
		if err := execAll(ctx, c, "CREATE DATABASE model"); err != nil {
			return err
		}
		if err := inDatabase(ctx, "model", hotel, "INSERT INTO rooms (id, name, beds) VALUES (70, 'Fern', 1)"); err != nil {
			return err
		}
		if err := execAll(ctx, c, "CREATE DATABASE test_a TEMPLATE model"); err != nil {
			return err
		}
		return inDatabase(ctx, "test_a", "UPDATE rooms SET beds = beds - 1 WHERE id = 70", "SELECT 1 / count(*) FROM rooms WHERE id = 70")
	},
	"one message in the given database": func(ctx context.Context, c *pgx.Conn) error {
		if err := execAll(ctx, c, hotel); err != nil {
			return err
		}
		return execAll(ctx, c, testRooms(1)...)
	},
	"statement by statement": func(ctx context.Context, c *pgx.Conn) error {
		create, insert, _ := strings.Cut(hotel, ";\n")
		if err := execAll(ctx, c, create, insert); err != nil {
			return err
		}
		return execAll(ctx, c, append(testRooms(1), "CREATE TABLE scratch (id int)", "INSERT INTO scratch VALUES (1)", "DROP TABLE scratch")...)
	},
	"schema for each test": func(ctx context.Context, c *pgx.Conn) error {
		for i := range 3 {
			name := fmt.Sprintf("test_%d", i)
			list := append([]string{"CREATE SCHEMA " + name, "SET search_path = " + name, hotel}, testRooms(i)...)
			if err := execAll(ctx, c, append(list, "DROP SCHEMA "+name+" CASCADE")...); err != nil {
				return err
			}
		}
		return nil
	},
	// Workers run at the same time, each in the schema that its address names; the driver prepares its statements.
	"schema for each worker": func(ctx context.Context, c *pgx.Conn) error {
		var workers []*pgx.Conn
		for i := range 2 {
			name := fmt.Sprintf("worker_%d", i)
			if err := execAll(ctx, c, "CREATE SCHEMA "+name); err != nil {
				return err
			}
			worker, err := connectTo(ctx, "", "options=-c search_path="+name)
			if err != nil {
				return err
			}
			defer worker.Close(ctx)
			workers = append(workers, worker)
		}
		for _, worker := range workers {
			if err := execAll(ctx, worker, hotel); err != nil {
				return err
			}
		}
		for i := range 2 {
			for j, worker := range workers {
				if _, err := worker.Exec(ctx, "INSERT INTO rooms (name, beds) VALUES ($1, $2)", "Attic", i+j); err != nil {
					return err
				}
			}
		}
		return nil
	},
	// Queries name the schema, and no search path does.
	"qualified names": func(ctx context.Context, c *pgx.Conn) error {
		for i := range 3 {
			name := fmt.Sprintf("test_%d", i)
			list := []string{"CREATE SCHEMA " + name, strings.NewReplacer("TABLE ", "TABLE "+name+".", "INTO ", "INTO "+name+".").Replace(hotel)}
			for _, sql := range testRooms(i) {
				list = append(list, strings.ReplaceAll(sql, "rooms", name+".rooms"))
			}
			if err := execAll(ctx, c, append(list, "DROP SCHEMA "+name+" CASCADE")...); err != nil {
				return err
			}
		}
		return nil
	},
	"public is made again": func(ctx context.Context, c *pgx.Conn) error {
		for i := range 3 {
			if err := execAll(ctx, c, append([]string{"DROP SCHEMA public CASCADE; CREATE SCHEMA public", hotel}, testRooms(i)...)...); err != nil {
				return err
			}
		}
		return nil
	},
}

// A suite that makes the schema itself is replayed from there: in a template, in a schema for each test, or in the given database.
func TestReplayOwnSchema(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, name := range rotation.Pick(t, len(pgservertest.EndsAndPreview()), slices.Sorted(maps.Keys(ownSchemaSuites))) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				old := recordOwnSchema(t, major, name)
				for condition, want := range map[string]string{"beds > 0": "error fails 23514 00002:3 ", "beds >= 0": ""} {
					base := hotel
					if name == "dumped template" {
						base += "\nCREATE FUNCTION names() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.rooms';"
					}
					release := "ALTER TABLE rooms ADD COLUMN note text;\nALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (" + condition + ") NOT VALID;"
					s := replayScene{base: base, release: []string{release}, want: want}
					dir := repository(t, s.base, s.release...)
					cfg := on(dir, major)
					cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
					r := run(t, cfg)
					s.check(t, r)
					if want == "" && r.Summary.State != onward.StateSafe {
						t.Errorf("CHECK (%s): the summary is %+v, want safe; notes: %q", condition, r.Summary, r.Verification.Notes)
					}
				}
			})
		}
	})
}

// A suite whose schema is not the deployed one is not replayed, and the release is not called safe.
func TestReplayOtherSchema(t *testing.T) {
	t.Parallel()
	old := recordOwnSchema(t, onward.NewestMajor, "one message in the given database")
	dir := repository(t, hotel+"\nCREATE TABLE guests (id bigint);", "ALTER TABLE rooms ADD CONSTRAINT beds_there CHECK (beds >= 0) NOT VALID;")
	cfg := on(dir, onward.NewestMajor)
	cfg.Old, cfg.Transcripts = []*verify.Workload{old.Workload}, map[onward.Code][]*verify.Transcript{onward.OldCode: {old.Transcript}}
	r := run(t, cfg)
	notes := strings.Join(r.Verification.Notes, "\n")
	if !strings.Contains(notes, "was not replayed: its schema never was the one that the code is made for: it lacks guests.id") ||
		!strings.HasPrefix(r.Summary.Verdict, "Not decided: 1 write may be rejected") {
		t.Errorf("the verdict is %q, want not decided, and a note on the missing guests.id: %q", r.Summary.Verdict, notes)
	}
}

func recordOwnSchema(t *testing.T, major int, suite string) *record.Result {
	t.Helper()
	var out strings.Builder
	result, err := record.Run(t.Context(), record.Config{
		Command: []string{os.Args[0], "-test.run=^TestReplayedSuite$"}, Env: []string{"ONWARD_REPLAYED=" + suite}, Out: &out, Err: &out,
		Major: major, Transcript: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Failed != nil {
		t.Fatalf("the suite %q failed: %v\n%s", suite, result.Failed, out.String())
	}
	return result
}
