package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
)

// recorded is where a recording goes that nobody names.
const recorded = "onward.workload.json"

// recordingTime is how long an interrupted recording may take: what was sent is kept.
const recordingTime = 90 * time.Second

// recording are the flags of record.
type recording struct {
	db, schema, listen, base, pg string
	deny, values                 bool
}

func (f *recording) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the server to record before, @FILE or env:NAME that hold it (default: a throwaway one)")
	flags.StringVar(&f.schema, "schema", "", "fill the throwaway database: base takes the deployed migrations, anything else is a `file` from pg_dump")
	flags.StringVar(&f.base, "base", "", "with --schema base: the deployed `revision`")
	flags.StringVar(&f.listen, "listen", "", "`address` to listen on, such as 127.0.0.1:6432; without a command, records until it is interrupted")
	flags.BoolVar(&f.deny, "deny-deprecated", false, "refuse queries that touch a column which its comment, or onward.yaml, calls deprecated, and fail")
	flags.BoolVar(&f.values, "with-values", false, "also store three examples of what each query's parameters were: the recording then holds your data")
	flags.StringVar(&f.pg, "pg", "", "major `version` of the throwaway server (default: the newest that is installed)")
}

func (a *app) record() *cobra.Command {
	var f recording
	cmd := &cobra.Command{
		Use:   "record [-o FILE] -- COMMAND [ARGUMENT]…",
		Short: "record the queries that a command sends, such as a test suite",
		Long: `Runs a command with its database behind a proxy, and records every distinct query
that it sends: its text without values, the types of its parameters and columns,
the tables and columns that it uses, how often, by whom, and in which order
inside a transaction. No value is stored, so that the recording can be kept as an
artifact of each release, and be asked what a migration breaks (onward verify,
--workload).

The database is a throwaway Postgres; the command finds it by DATABASE_URL,
PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE. It may make databases of its
own there, as test suites do. With --db it is a server that is there, in which
onward itself writes nothing.

The recording goes to onward.workload.json unless -o names a file; a name that
ends in .gz is packed. Exit code: 0 recorded, 1 a query touches a deprecated column
(--deny-deprecated), 2 usage or input, 3 the command
failed (what it sent until then is recorded), or nothing could be recorded.`,
		Example: `  onward record -- go test ./...
  onward record -o web.workload.json.gz -- python manage.py test
  onward record --schema base -- npm test
  onward record --deny-deprecated -- npm test
  onward record --db env:STAGING_URL --listen 127.0.0.1:6432`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.listen == "" {
				return usagef("a command is missing: onward record -- go test ./…; or --listen, to record what connects there")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.recording(&f, args)
			if err != nil {
				return err
			}
			a.patience.Store(int64(recordingTime))
			result, err := record.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			return a.recordedTo(result)
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	return cmd
}

// recording reads the flags.
func (a *app) recording(f *recording, command []string) (record.Config, error) {
	c := record.Config{Command: command, In: a.in, Out: a.out, Err: a.err, Listen: f.listen, Values: f.values, Logger: a.logger()}
	if f.db != "" {
		url, err := a.address(f.db)
		if err != nil {
			return c, err
		}
		c.Server = url
	}
	if f.pg != "" {
		majors, err := config.ParseVersions(f.pg)
		if err != nil || len(majors) != 1 {
			return c, usagef("--pg %q: write one major version, such as 17", f.pg)
		}
		c.Major = majors[0]
	}
	if f.deny {
		settings, err := a.configuration()
		if err != nil {
			return c, err
		}
		if f.db != "" {
			return c, usagef("--deny-deprecated takes rights away, which it does on a throwaway server only: leave out --db")
		}
		c.DenyDeprecated, c.Deprecated = true, slices.Sorted(maps.Keys(settings.Deprecated))
	}
	switch {
	case f.schema == "base":
		release, err := a.release(&released{base: f.base})
		if err != nil {
			return c, err
		}
		c.Base = &rehearse.Config{Config: release}
	case f.base != "":
		return c, usagef("--base names the deployed revision for --schema base")
	default:
		c.Schema = f.schema
	}
	if len(command) == 0 {
		c.Ready = func(address string) { a.say("listens on %s; interrupt it to end the recording", address) }
	}
	return c, nil
}

// recordedTo stores a recording, and says what it has.
func (a *app) recordedTo(result *record.Result) error {
	if a.flags.output == "" {
		a.flags.output = recorded
	}
	w := result.Workload
	if err := a.writeWorkload(w); err != nil {
		return err
	}
	code, calls, tables := 0, int64(0), map[string]bool{}
	for i := range w.Queries {
		q := &w.Queries[i]
		if !q.IsCode() {
			continue
		}
		code++
		calls += q.Calls
		for _, u := range q.Uses {
			tables[u.Relation] = true
		}
	}
	a.say("%s on %s, sent %s, recorded in %s", report.Count(code, "query"), report.Count(len(tables), "table"), report.Count(int(calls), "time"), a.flags.output)
	for _, n := range w.Notes {
		a.say("%s", n)
	}
	if err := a.asks(w); err != nil {
		return err
	}
	for _, d := range result.Denied {
		who := ""
		if d.Sender != "" {
			who = ", by " + d.Sender
		}
		fmt.Fprintf(a.err, "onward: %s is deprecated, and used (%s%s): %s\n", strings.Join(d.Columns, ", "), report.Count(int(d.Calls), "time"), who, d.SQL)
	}
	if len(result.Denied) > 0 {
		a.code = exitFindings
		return nil
	}
	if result.Failed != nil {
		return fmt.Errorf("the command failed, what it sent is recorded: %w", result.Failed)
	}
	return nil
}
