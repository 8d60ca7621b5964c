package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// sources are what recordings can be imported from.
var sources = []string{"pg_stat_statements", "csvlog", "jsonlog", "auto_explain", "otel", "pganalyze", "planetscale", "sqlc", "sql", audit.FromCode}

func (a *app) newWorkloadImportCommand() *cobra.Command {
	var from, db, revision string
	cmd := &cobra.Command{
		Use:   "import --from SOURCE [PATH… | --db ADDRESS]",
		Short: "make a recording of what a server or a project has kept",
		Long: `Makes a recording from another source than onward record, without any value:

  pg_stat_statements  of the database that --db names, or an export as CSV or as psql prints it
  csvlog, jsonlog     logs of a server with log_statement or log_min_duration_statement
  auto_explain        logs of any format with plans of auto_explain, as text or JSON
  otel                spans of OpenTelemetry, in files of OTLP JSON: one object, or one per line
  pganalyze           the answer of pganalyze's GraphQL query getQueryStats
  planetscale         the list of a branch's queries from PlanetScale's API, as JSON
  sqlc                query files for sqlc; sql: any files of queries. Directories are searched
                      for *.sql; nobody knows how often these are sent
  code                what onward verify reads from the code of the repository where it has no
                      recording: SQL that stands there, and what models imply

Comments of sqlcommenter and marginalia name the senders. Statements of onward itself are
left out. No server was asked what a query uses: the command that reads the recording
does that. With -o FILE.gz the result is packed.`,
		Example: `  onward workload import --from pg_stat_statements --db env:DATABASE_URL -o workload.json.gz
  onward workload import --from csvlog /var/log/postgresql/*.csv -o workload.json.gz
  onward workload import --from otel traces.jsonl -o workload.json.gz
  onward workload import --from sqlc db/queries -o workload.json
  onward workload import --from code --rev v1.4.0 -o code.json`,
		Args: checkArguments(0, -1, "paths"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.requireJSONFormat(); err != nil {
				return err
			}
			if !slices.Contains(sources, from) {
				return newUsageError("--from %q is not one of %s", from, joinNames(sources))
			}
			if revision != "" && from != audit.FromCode {
				return newUsageError("--rev is for --from %s", audit.FromCode)
			}
			load, err := a.importWorkload(cmd, from, db, revision, args)
			if err != nil {
				return err
			}
			for _, note := range load.Notes {
				a.printNote("%s", note)
			}
			return a.writeWorkload(load)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&from, "from", "", joinNames(sources))
	flags.StringVar(&revision, "rev", "", "the `revision` whose code to read, instead of the working tree")
	flags.StringVar(&db, "db", "", "`address` of the database whose pg_stat_statements to read, @FILE or env:NAME that hold it; nothing is changed there")
	completeFlag(cmd, "from", sources...)
	return cmd
}

// importWorkload is the recording that a source makes.
func (a *app) importWorkload(cmd *cobra.Command, from, db, revision string, paths []string) (*workload.Workload, error) {
	if from == audit.FromCode {
		if db != "" || len(paths) > 0 {
			return nil, newUsageError("--from %s reads the repository, and takes neither --db nor a path", from)
		}
		return a.readCodeQueries(cmd, revision)
	}
	im := workload.NewImport(from)
	if err := a.importFrom(cmd, im, from, db, paths); err != nil {
		return nil, err
	}
	return im.Workload(), nil
}

func (a *app) importFrom(cmd *cobra.Command, im *workload.Import, from, db string, paths []string) error {
	switch {
	case db != "" && (from != "pg_stat_statements" || len(paths) > 0):
		return newUsageError("--db is for --from pg_stat_statements, without a path")
	case db != "":
		url, err := a.readAddress(db)
		if err != nil {
			return err
		}
		list, major, err := live.ReadStatements(cmd.Context(), url)
		if err != nil {
			return err
		}
		im.Postgres(major)
		for _, s := range list {
			im.Statement(s.SQL, s.Role, s.Database, s.Calls, s.Rows, s.MS)
		}
		return nil
	case len(paths) == 0:
		return newUsageError("a path is missing; see %s --help", cmd.CommandPath())
	}
	files, err := listQueryFiles(from, paths)
	if err != nil {
		return &config.InputError{Err: err}
	}
	for _, file := range files {
		if err := importFile(im, from, file); err != nil {
			return &config.InputError{Err: fmt.Errorf("%s: %w", file, err)}
		}
	}
	return nil
}

// listQueryFiles returns the files of paths; for files of queries, also those below directories.
func listQueryFiles(from string, paths []string) ([]string, error) {
	if from != "sqlc" && from != "sql" {
		return paths, nil
	}
	var out []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (name == path || strings.HasSuffix(name, ".sql")) {
				out = append(out, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no file *.sql is below %s", strings.Join(paths, ", "))
	}
	return out, nil
}

// importFile reads one file. A log, or a file of spans, may be of any size; the others are read whole.
func importFile(im *workload.Import, from, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	switch from {
	case "csvlog", "jsonlog", "auto_explain":
		return im.ReadLog(f, workload.Log(from))
	case "otel":
		return im.ReadSpans(f)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSQL+1))
	if err != nil {
		return err
	}
	if len(text) > maxSQL {
		return fmt.Errorf("is larger than %d MB", maxSQL>>20)
	}
	switch file := filepath.ToSlash(name); from {
	case "sqlc":
		return im.ReadNamedQueries(file, string(text))
	case "sql":
		return im.ReadQueries(file, string(text))
	case "pganalyze":
		return im.ReadPganalyze(string(text))
	case "planetscale":
		return im.ReadPlanetScale(string(text))
	default:
		return im.ReadStatements(string(text))
	}
}

func (a *app) newWorkloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workload",
		Short: "recordings of what code sends: put together, import, list, judge",
		Long: `Works on recordings of the queries that a release's code sends, as onward record
makes them: each distinct query once, without its values, with how often it was
sent and by whom.`,
		Args: checkArguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newWorkloadMergeCommand(), a.newWorkloadImportCommand(), a.newWorkloadShowCommand(), a.newWorkloadCheckCommand())
	return cmd
}

func (a *app) newWorkloadMergeCommand() *cobra.Command {
	var consumer string
	cmd := &cobra.Command{
		Use:   "merge FILE…",
		Short: "put recordings together: of the shards of a test run, of several suites",
		Long: `Adds up recordings. Their order makes no difference. Where two do not agree on the
result of a query or on what it uses, they were made on two versions of the schema:
a note says of how many, and what the newest Postgres said is kept.

With --consumer the recordings are of one program among several that share the
database. Keep one file for each in a directory, and name the directory wherever a
recording is expected: the programs are verified together, and reported one by one.

With -o FILE.gz the result is packed.`,
		Example: `  onward workload merge -o workload.json.gz shard-*.json.gz
  onward workload merge --consumer billing -o contracts/billing.workload.json.gz shard-*.json.gz
  onward verify --workload contracts`,
		Args: checkArguments(1, -1, "recordings"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := a.requireJSONFormat(); err != nil {
				return err
			}
			var list []*workload.Workload
			for _, name := range args {
				load, err := audit.ReadWorkload(name)
				if err != nil {
					return err
				}
				list = append(list, load)
			}
			load, err := workload.MergeAll(list...)
			if err != nil {
				return &config.InputError{Err: err}
			}
			for _, note := range load.Notes {
				a.printNote("%s", note)
			}
			if consumer != "" {
				load.NameConsumer(consumer)
			}
			return a.writeWorkload(load)
		},
	}
	cmd.Flags().StringVar(&consumer, "consumer", "", "the `name` of the program that sends the queries, if several share the database")
	return cmd
}

func (a *app) newWorkloadShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show FILE",
		Short:   "list the queries of a recording, those that are sent most first",
		Example: `  onward workload show workload.json.gz`,
		Args:    checkArguments(1, 1, "a recording"),
		RunE: func(_ *cobra.Command, args []string) error {
			format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON)
			if err != nil {
				return err
			}
			load, err := audit.ReadWorkload(args[0])
			if err != nil {
				return err
			}
			return a.writeResult(func(w io.Writer) error { return report.WriteWorkload(w, format, load, options) })
		},
	}
}

// requireJSONFormat refuses formats of commands whose result is a recording.
func (a *app) requireJSONFormat() error {
	if a.flags.format == string(report.FormatTerminal) {
		return nil // nothing was asked for
	}
	_, err := a.chosenFormat(report.FormatJSON)
	return err
}

// writeWorkload writes a recording, packed where the name of its file ends in .gz.
func (a *app) writeWorkload(load *workload.Workload) error {
	return a.writeResult(func(w io.Writer) error { return workload.Write(w, load, strings.HasSuffix(a.flags.output, ".gz")) })
}

// readCodeQueries reads the queries of the code at a revision, or of the working tree, as onward
// verify does without a recording.
func (a *app) readCodeQueries(cmd *cobra.Command, revision string) (*workload.Workload, error) {
	settings, err := a.readConfigFile()
	if err != nil {
		return nil, err
	}
	c, code := audit.Config{Base: revision, Head: revision, Settings: settings, Logger: a.newLogger()}, onward.OldCode
	if revision == "" {
		c.Base, code = "HEAD", onward.NewCode
	}
	r, err := audit.Read(cmd.Context(), c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if _, err := r.Audit(); err != nil {
		return nil, err
	}
	load, parsed, err := r.Parsed(code)
	if err != nil {
		return nil, err
	}
	a.printNote("the code %s", view.DescribeCoverage(&onward.Verified{Queries: parsed.Texts + parsed.Implied, Parsed: parsed}))
	return load, nil
}
