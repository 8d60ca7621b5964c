package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// verifyFlags are the flags of onward verify.
type verifyFlags struct {
	releaseFlags
	codeFlags
	from, server, html string
	superuser, replay  bool
	limit              time.Duration
	deprecations
}

func (f *verifyFlags) addVerifyFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.codeFlags.addCodeFlags(flags)
	flags.StringVar(&f.from, "from", "", "`address` of a database to take the deployed schema from instead of the deployed migrations; @FILE or env:NAME; "+
		"nothing is changed there")
	f.releaseFlags.addReleaseFlags(cmd)
	flags.DurationVar(&f.limit, "limit", 5*time.Minute, "end a statement of the release after this `time`")
	flags.BoolVar(&f.superuser, "superuser", false, "run the migrations as a superuser: they can read files and start programs on this machine")
	flags.BoolVar(&f.replay, "replay", false, "also execute what was recorded with its values (onward record --values) on the schema of each commit point; "+
		"recordings without values are executed with made ones")
	flags.StringVar(&f.server, "postgres", "", "`address` of a server to use instead of a throwaway one: databases are made there and dropped; @FILE or env:NAME")
	flags.StringVar(&f.html, "html", "", "write the report as a page to this `file`")
	f.deprecations.addDeprecationFlags(cmd)
	flags.Lookup("pg").Usage = "verify on the newest of these major `versions`: 17, 14..17 or 14,16"
	flags.Lookup("fail-on").Usage = "also exit with 1 when a finding of the audit is of this severity: warning or info; errors always count"
}

// verifyConfig reads the flags.
func (a *app) verifyConfig(ctx context.Context, f *verifyFlags) (verify.Config, error) {
	var c verify.Config
	if f.limit <= 0 {
		return c, newUsageError("--limit %v: write a time such as 5m", f.limit)
	}
	if f.from != "" && (f.schema != "" || f.db != "") {
		return c, newUsageError("--from contradicts --schema and --db: the deployed schema comes from one of them")
	}
	release, err := a.releaseConfig(ctx, &f.releaseFlags)
	if err != nil {
		return c, err
	}
	old := release.Recordings()
	c.Config = rehearse.Config{Config: release, Superuser: f.superuser, Limit: f.limit}
	if f.pg != "" {
		c.Majors = release.Settings.Postgres
	}
	if f.server != "" {
		if c.Server, err = a.readAddress(f.server); err != nil {
			return c, err
		}
	}
	if f.from != "" {
		if c.From, err = a.readAddress(f.from); err != nil {
			return c, err
		}
	}
	if err := f.checkReplay(); err != nil {
		return c, err
	}
	err = f.readCodes(&c, old, f.replay)
	return c, err
}

// readVersions reads the values of --also: revisions, and recordings with a name.
func readVersions(values []string, read func(onward.Code, []string) ([]*workload.Workload, error)) (out []verify.Version, err error) {
	for _, value := range values {
		name, file, recorded := strings.Cut(value, "=")
		if name == "" || recorded && file == "" {
			return nil, newUsageError("--also %s: write a revision such as v1.3, or a name and a recording such as v1.3=v1.3.json.gz", value)
		}
		place := slices.IndexFunc(out, func(v verify.Version) bool { return v.Name == name })
		if place < 0 {
			place = len(out)
			out = append(out, verify.Version{Name: name})
		}
		if recorded {
			loads, err := read(view.FurtherCode(name), []string{file})
			if err != nil {
				return nil, err
			}
			out[place].Recorded = append(out[place].Recorded, loads...)
		}
	}
	return out, nil
}

// readWorkloads reads recordings.
func readWorkloads(files []string) ([]*workload.Workload, error) {
	return audit.ReadWorkloads(files)
}

func (a *app) newVerifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [BASE..HEAD]",
		Short: "which queries of old and new code break, and after which statement",
		Long: `Runs the migrations that are new between two revisions on a throwaway Postgres, and
asks it at every commit point which of the code's queries still work: each query
that uses anything that changed is prepared and planned again, the others are
proven untouched. --workload is what the deployed code sends, which must work at
every point; --workload-head what the new code sends, which must work at the end. --also
names further versions that run meanwhile, such as the release before the deployed
one, a canary or the other colour: they must work at every point, too.

Without a recording of a code its queries are read from the code itself: SQL that
stands there whole, and what models imply. The report says how much that covers.

No query is executed, unless --replay is given: it executes what onward record --values
recorded, on the schema of each commit point, and says what the values decide. The report
has no values of the recording. Recordings without values, such as imports from a log or
pg_stat_statements, are executed with made ones.

With a directory of recordings, one for each program that uses the database, the report
says what breaks for each. --deprecations lists the deprecated columns and who still uses
them, without a server; --notify tells a webhook before a column's last day.

Exit code: 0 clean, 1 a query of the deployed code or of --also breaks at a point, or one
of the new code at the last, or a finding reaches --fail-on where that is given, 2 usage or
input, 3 it could not be verified.`,
		Example: `  onward verify
  onward verify --workload deployed.json.gz
  onward verify --workload deployed.json.gz --workload-head branch.json.gz --html report.html
  onward verify --workload deployed.json.gz --replay
  onward verify --also v1.3 --also canary=canary.json.gz
  onward verify --workload deployed.json.gz --from env:DATABASE_URL --stats stats.json
  onward verify --deprecations --workload contracts --notify env:WEBHOOK`,
		Args: setRevisionRange,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.list {
				return a.listDeprecations(cmd, &f)
			}
			return a.verifyRelease(cmd, &f)
		},
	}
	cmd.Flags().SortFlags = false
	f.addVerifyFlags(cmd)
	return cmd
}

// verifyRelease verifies a release, prints the report and sets the exit code.
func (a *app) verifyRelease(cmd *cobra.Command, f *verifyFlags) error {
	if f.notify != "" {
		return newUsageError("--notify is for --deprecations")
	}
	format, options, err := a.outputOptions(report.Formats()...)
	if err != nil {
		return err
	}
	c, err := a.verifyConfig(cmd.Context(), f)
	if err != nil {
		return err
	}
	p := a.newProgress()
	if p != nil {
		c.Progress = p.handleEvent
	}
	r, err := verify.Run(cmd.Context(), c)
	p.clearLine()
	if err != nil {
		return err
	}
	if err := a.writePage(f.html, r); err != nil {
		return err
	}
	settings := *c.Settings
	if f.failOn == "" {
		settings.FailOn = config.FailOnNever
	}
	if err := a.finishReport(r, &f.auditFlags, &settings, format, options); err != nil {
		return err
	}
	a.code = verdict.QueriesExitCode(a.code, r)
	return nil
}

// codeFlags are the flags that name versions of the code, beside the deployed one.
type codeFlags struct {
	fresh, also []string
	identity    string
	showValues  bool
}

func (f *codeFlags) addCodeFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.fresh, "workload-head", nil, "`file` with what the new code sends; repeatable")
	flags.StringArrayVar(&f.also, "also", nil, "a further `revision` whose code runs during the release, such as the release before the deployed one; "+
		"NAME=FILE for a recording of it; repeatable")
	flags.StringVar(&f.identity, "values-identity", "", "for a replay: `file` with the age key of an encrypted transcript")
	flags.BoolVar(&f.showValues, "show-values", false, "for a replay: print the values of the queries that break")
}

// readCodes reads the recordings of all versions of the code, and for a replay their transcripts.
func (f *codeFlags) readCodes(c *verify.Config, deployed []string, replay bool) (err error) {
	c.ShowValues = f.showValues
	read := func(code onward.Code, files []string) ([]*workload.Workload, error) {
		loads, err := readWorkloads(files)
		if err == nil && replay {
			err = f.addTranscripts(c, code, files, loads)
		}
		return loads, err
	}
	if c.Old, err = read(onward.OldCode, deployed); err != nil {
		return err
	}
	if c.New, err = read(onward.NewCode, f.fresh); err != nil {
		return err
	}
	if c.Also, err = readVersions(f.also, read); err != nil {
		return err
	}
	recorded := len(c.Old) > 0 || slices.ContainsFunc(c.Also, func(v verify.Version) bool { return len(v.Recorded) > 0 })
	if replay && len(c.Transcripts) == 0 && !recorded {
		return &config.InputError{Err: errors.New("nothing can be replayed: record the values, too (onward record --values), " +
			"and name the recording with --workload. A recording without values is executed with made ones")}
	}
	c.MadeValues = replay
	return nil
}

// checkReplay refuses flags that contradict each other.
func (f *verifyFlags) checkReplay() error {
	switch {
	case !f.replay && (f.identity != "" || f.showValues):
		return newUsageError("--values-identity and --show-values are for --replay")
	case f.replay && f.superuser:
		return newUsageError("--replay contradicts --superuser: no recorded statement is executed as a superuser")
	case f.replay && f.server != "":
		return newUsageError("--replay contradicts --postgres: recorded statements are executed on a throwaway server only")
	}
	return nil
}

// addTranscripts adds the transcripts that the recordings of a version name.
func (f *codeFlags) addTranscripts(c *verify.Config, code onward.Code, files []string, loads []*verify.Workload) error {
	for i, load := range loads {
		list, err := verify.ReadTranscripts(files[i], load, f.identity)
		if err != nil {
			return err
		}
		if c.Transcripts == nil {
			c.Transcripts = map[onward.Code][]*verify.Transcript{}
		}
		if len(list) > 0 {
			c.Transcripts[code] = append(c.Transcripts[code], list...)
		}
	}
	return nil
}
