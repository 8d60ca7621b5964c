package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
)

// recorded is the default file of a recording.
const recorded = "onward.workload.json"

// recordingTime bounds the end of an interrupted recording, which keeps the queries so far. Questions to the server have their own time.
const recordingTime = 90 * time.Second

// recordFlags are the flags of record.
type recordFlags struct {
	db, schema, listen, base, pg, sslmode string
	recipient                             string
	deny, examples, values                bool
	folds                                 []string
	users                                 []uint
	limit                                 time.Duration
}

func (f *recordFlags) addRecordFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the server to record before, @FILE or env:NAME that hold it (default: a throwaway one)")
	flags.StringVar(&f.schema, "schema", "", "fill the throwaway database: base takes the deployed migrations, anything else is a `file` from pg_dump")
	flags.StringVar(&f.base, "base", "", "with --schema base: the deployed `revision`")
	flags.StringVar(&f.listen, "listen", "", "`address` to listen on, such as 127.0.0.1:6432; without a command, records until it is interrupted")
	flags.UintSliceVar(&f.users, "accept-user", nil, acceptUserUsage)
	flags.BoolVar(&f.deny, "deny-deprecated", false, "refuse queries that touch a column which its comment, or onward.yaml, calls deprecated, and fail")
	flags.BoolVar(&f.values, "values", false, "also store all that is sent, with its values and in order, in a .transcript file beside the recording: "+
		"it holds your data (with --db, data of that server)")
	flags.StringVar(&f.recipient, "values-recipient", "", "encrypt the .transcript file of --values for this public `key` of age (age1…)")
	flags.BoolVar(&f.examples, "with-values", false, "also store three examples of what each query's parameters were: the recording then holds your data")
	flags.StringArrayVar(&f.folds, "fold", nil, "count schemas and databases of this `pattern` as one: 'test_*', "+
		"or 'test_*=public' with the name that replaces theirs; none keeps all apart (default: found by their tables); repeatable")
	flags.StringVar(&f.sslmode, "sslmode", "disable", "`mode` of the command's connection to the proxy: disable, require, verify-ca or verify-full")
	flags.DurationVar(&f.limit, "limit", 5*time.Minute, "end the questions to the server about what the queries use after this `time`")
	flags.StringVar(&f.pg, "pg", "", "major `version` of the throwaway server (default: the newest that is installed)")
}

func (a *app) newRecordCommand() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:   "record [-o FILE] -- COMMAND [ARGUMENT]…",
		Short: "record the queries that a command sends, such as a test suite",
		Long: `Runs a command with its database behind a proxy, and records every distinct query
that it sends: its text without values, the types of its parameters and columns,
the tables and columns that it uses, how often, by whom, and in which order
inside a transaction. The recording has no values, so that it can be kept as an
artifact of each release, and be asked what a migration breaks (onward verify,
--workload).

With --values a second file, beside the recording, has all messages of the command
with their values, in order. It is data, as a dump is: only your account can read
it, and nothing sends it anywhere. With --db it has data of that server.
--values-recipient encrypts it for a key that age-keygen made.

The database is a throwaway Postgres; the command finds it by DATABASE_URL,
PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE. It may make databases and
schemas of its own there, as test suites do. Those with the same tables whose
names differ in a counter, a hash or a UUID count as one (--fold). With --db it is
a server that is there, in which onward itself writes nothing.

A client that verifies the server (sslmode=verify-full) finds the proxy's root
certificate in the file that PGSSLROOTCERT names. It is made for the run.

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
				return newUsageError("a command is missing: onward record -- go test ./…; or --listen, to record what connects there")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.recordConfig(cmd.Context(), &f, args)
			if err != nil {
				return err
			}
			if err := a.checkTranscriptFlags(&f); err != nil {
				return err
			}
			a.patience.Store(int64(recordingTime + f.limit))
			result, err := record.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			return a.storeRecording(result, f.recipient)
		},
	}
	cmd.Flags().SortFlags = false
	f.addRecordFlags(cmd)
	return cmd
}

// acceptUserUsage explains --accept-user of record and guard.
const acceptUserUsage = "let programs of the account with this `uid` connect, too, where the server asks for no password; repeatable"

// accountNumbers returns the values of --accept-user.
func accountNumbers(list []uint) []uint32 {
	var out []uint32
	for _, n := range list {
		if n <= math.MaxUint32 {
			out = append(out, uint32(n))
		}
	}
	return out
}

// recordConfig reads the flags.
func (a *app) recordConfig(ctx context.Context, f *recordFlags, command []string) (record.Config, error) {
	c := record.Config{Command: command, In: a.in, Out: a.out, Err: a.err, Listen: f.listen, Values: f.examples, Transcript: f.values, Logger: a.newLogger(),
		AcceptUsers: accountNumbers(f.users),
		Folds:       f.folds, SSLMode: f.sslmode, Limit: f.limit}
	if f.limit <= 0 {
		return c, newUsageError("--limit %v: write a time such as 5m", f.limit)
	}
	if !slices.Contains(sslModes, f.sslmode) {
		return c, newUsageError("--sslmode %q: write one of %s", f.sslmode, strings.Join(sslModes, ", "))
	}
	if f.db != "" {
		url, err := a.readAddress(f.db)
		if err != nil {
			return c, err
		}
		c.Server = url
	}
	if f.pg != "" {
		majors, err := config.ParseVersions(f.pg)
		if err != nil || len(majors) != 1 {
			return c, newUsageError("--pg %q: write one major version, such as 17", f.pg)
		}
		c.Major = majors[0]
	}
	if f.values || f.examples {
		settings, err := a.readConfigFile()
		if err != nil {
			return c, err
		}
		for _, text := range settings.Redact {
			pattern, err := regexp.Compile(text)
			if err != nil {
				return c, fmt.Errorf("redact in %s: %w", config.Name, err)
			}
			c.Redact = append(c.Redact, pattern)
		}
		c.RedactColumns = settings.RedactColumns
	}
	if f.deny {
		settings, err := a.readConfigFile()
		if err != nil {
			return c, err
		}
		if f.db != "" {
			return c, newUsageError("--deny-deprecated takes rights away, which it does on a throwaway server only: leave out --db")
		}
		c.DenyDeprecated, c.Deprecated = true, slices.Sorted(maps.Keys(settings.Deprecated))
	}
	switch {
	case f.schema == "base":
		release, err := a.releaseConfig(ctx, &releaseFlags{base: f.base})
		if err != nil {
			return c, err
		}
		c.Base = &rehearse.Config{Config: release}
	case f.base != "":
		return c, newUsageError("--base names the deployed revision for --schema base")
	default:
		c.Schema = f.schema
	}
	if len(command) == 0 {
		c.Ready = func(address string) { a.printNote("listens on %s; interrupt it to end the recording", address) }
	}
	return c, nil
}

// sslModes are those that a command may be given.
var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// describeFold says which schemas or databases a recording counts as one.
func describeFold(f *workload.Fold) string {
	names := f.Names
	more := ""
	if len(names) > 3 {
		names, more = names[:2], fmt.Sprintf(" and %d more", len(names)-2)
	}
	return fmt.Sprintf("%s are counted as %s: %s (%s%s); --fold none keeps them apart", prose.CountNoun(len(f.Names), f.Kind), f.Into, f.Pattern,
		strings.Join(names, ", "), more)
}

// storeRecording stores a recording, and says what it has.
func (a *app) storeRecording(result *record.Result, recipient string) error {
	w := result.Workload
	stored, err := a.writeTranscript(result, recipient)
	if err != nil {
		return err
	}
	if a.flags.output == "" {
		a.flags.output = recorded
	}
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
	a.printNote("%s on %s, sent %s, recorded in %s", prose.CountNoun(code, "query"), prose.CountNoun(len(tables), "table"),
		prose.CountNoun(int(calls), "time"), a.flags.output)
	if stored != "" {
		a.printNote("%s", stored)
	}
	for i := range w.Folds {
		a.printNote("%s", describeFold(&w.Folds[i]))
	}
	for _, n := range w.Notes {
		a.printNote("%s", n)
	}
	if err := a.countQueryProblems(w); err != nil {
		return err
	}
	for _, d := range result.Denied {
		sender := ""
		if d.Sender != "" {
			sender = ", by " + d.Sender
		}
		fmt.Fprintf(a.err, "onward: %s is deprecated, and used (%s%s): %s\n", strings.Join(d.Columns, ", "), prose.CountNoun(int(d.Calls), "time"), sender, d.SQL)
	}
	if len(result.Denied) > 0 {
		a.code = exitFindings
		return nil
	}
	if result.Failed == nil && len(w.Queries) == 0 && len(w.Notes) > 0 {
		return fmt.Errorf("nothing was recorded: %s", w.Notes[0])
	}
	if result.Failed == nil && len(w.Queries) == 0 {
		return errors.New("nothing was recorded: no query came through the proxy; the command finds the database by DATABASE_URL and the variables PGHOST and PGPORT")
	}
	if result.Failed != nil {
		return fmt.Errorf("the command failed, what it sent is recorded: %w", result.Failed)
	}
	return nil
}

// transcriptFile returns the file of a recording's transcript.
func (a *app) transcriptFile() string { return transcript.FileName(cmp.Or(a.flags.output, recorded)) }

// checkTranscriptFlags refuses a transcript that could not be written, before the command runs.
func (a *app) checkTranscriptFlags(f *recordFlags) error {
	if !f.values {
		if f.recipient != "" {
			return newUsageError("--values-recipient encrypts the file of --values: add that")
		}
		return nil
	}
	if f.recipient != "" {
		if err := transcript.CheckRecipient(f.recipient); err != nil {
			return newUsageError("--values-recipient: %v", err)
		}
	}
	if info, err := os.Stat(a.flags.output); err == nil && !info.Mode().IsRegular() {
		return newUsageError("--values writes a file beside the recording, and %s is no file", a.flags.output)
	}
	if err := transcript.CheckFile(a.transcriptFile()); err != nil {
		return newUsageError("--values: %v", err)
	}
	return nil
}

// writeTranscript stores the transcript, if there is one, and names it in the recording. It returns the sentence that says so.
func (a *app) writeTranscript(result *record.Result, recipient string) (string, error) {
	t := result.Transcript
	if t == nil {
		return "", nil
	}
	path := a.transcriptFile()
	stored, err := t.WriteFile(path, recipient)
	if err != nil {
		return "", fmt.Errorf("write the transcript: %w", err)
	}
	result.Workload.Transcripts = []workload.TranscriptFile{{File: filepath.Base(path), SHA256: stored.SHA256}}
	line := fmt.Sprintf("%s of %s with their values are in %s (%s): it holds the data that the command sent, so keep it as a dump",
		prose.CountNoun(t.CountMessages(), "message"), prose.CountNoun(len(t.Sessions), "session"), path, size.FormatBytes(stored.Bytes))
	for _, n := range t.Notes {
		line += "; " + n
	}
	return line, nil
}
