// Package cli is the command line: one file for each command, which turns
// flags into a call of a verb and its report into output.
//
// Results go to standard output, everything else to standard error, in a line
// that begins with "onward:" and says what happened, where, and what to do.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// Main runs the command line of the process and gives its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, collector: paceCollector(os.Getenv)}
	go a.exitOnSignal(ctx, stop)
	return a.runCommand(ctx, os.Args[1:])
}

// exitOnSignal ends a process that got a signal and does not stop: parsing and judging
// never check a context. Code that does, such as a renderer with child processes, gets
// some time to stop; a second signal ends everything immediately.
func (a *app) exitOnSignal(ctx context.Context, stop func()) {
	<-ctx.Done()
	second := make(chan os.Signal, 1)
	signal.Notify(second, os.Interrupt, syscall.SIGTERM)
	stop()
	end := time.After(max(grace, time.Duration(a.patience.Load())))
	for waits := true; waits; {
		select {
		case s := <-second:
			list := a.forwarded.Load()
			waits = list != nil && slices.Contains(*list, s) // the command of onward guard decides
		case <-end:
			waits = false
		}
	}
	fmt.Fprintln(os.Stderr, "onward: interrupted")
	if command := a.again.Load(); command != nil {
		a.printNext(*command)
	}
	if a.refuses.Load() {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailed)
}

// grace is how long an interrupted process may take to end by itself.
const grace = 500 * time.Millisecond

// app is one run of the command line.
type app struct {
	in        io.Reader
	out, err  io.Writer
	env       func(string) string
	collector *collector // nil: the environment paces it

	flags globals
	// patience is how long, in nanoseconds, a command may run after a signal; 0 means a
	// moment.
	patience atomic.Int64
	// forwarded are the signals that the command of onward guard gets; nil for none.
	forwarded atomic.Pointer[[]os.Signal]
	// again is the running command, which continues after an interruption; nil for a command that begins nothing.
	again atomic.Pointer[string]
	// refuses is set if an interruption is a refusal: the assistant takes other codes than 2 for a consent.
	refuses atomic.Bool
	// baseFiles are the files that count with --trust base; nil for the head's.
	baseFiles *audit.BaseFiles
	// typedSecrets are the parts of the arguments that are not printed.
	typedSecrets []string
	// code is the exit code of a command that did its work.
	code int
}

// globals are the flags that every command has.
type globals struct {
	config, format, output, color string
	verbose                       int
	quiet                         bool
}

func (a *app) runCommand(ctx context.Context, args []string) int {
	// Errors and log lines also contain untrusted text.
	a.err = escape.Writer{W: a.err}
	root := a.newRootCommand()
	root.SetArgs(args)
	a.typedSecrets = address.ListTypedSecrets(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	defer func() {
		if a.baseFiles != nil {
			_ = a.baseFiles.Close() // the next run removes what is left
		}
	}()
	if err := root.ExecuteContext(ctx); err != nil {
		code := a.printError(ctx, err)
		if follows, found := errors.AsType[*nextError](err); found {
			a.printNext(follows.next)
		} else if command := a.again.Load(); command != nil && code == exitFailed && mayRepeat(err) {
			a.printNext(*command)
		}
		return code
	}
	return a.code
}

// printError prints why a command ended, and returns its exit code.
func (a *app) printError(ctx context.Context, err error) int {
	// The value of a flag or an argument may be an address with a password.
	text := strings.TrimSpace(address.HidePasswords(err.Error(), a.typedSecrets...))
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		text = "interrupted" // wherever it was
	}
	if refused := live.FindRefusal(err); refused != nil && refused.Code == "42501" {
		text += ": docs/rights.md lists the rights for each command, and onward preflight checks the rights for a migration"
	}
	a.printLines(text)
	return exitCode(err)
}

func (a *app) newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "onward",
		Short: "What does this branch do to the database, and does the deploy survive it?",
		Long: `What does this branch do to the database, and does the deploy survive it?

onward reads the migrations that a branch adds, as their framework will run them. It reports
the changes, the locks and how long they last, and what breaks in the deployed code. It needs
no database and no configuration.`,
		Example: `  onward changelog                      this branch against the default branch
  onward rehearse --traffic             the same on a throwaway Postgres
  onward check db/migrations            files, directories, or - for standard input
  onward locks -e 'TRUNCATE orders'     what a statement locks
  onward explain index-create-blocking  the hazard, and the safe form`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.refuseUnknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if isContinuable(cmd) {
				command := repeatCommand(cmd)
				a.again.Store(&command)
			}
			cmd.SetContext(live.WithNewerServer(cmd.Context(), onward.PreviewMajor, func(major int) { a.printNote("%s", newerServerNote(major)) }))
			return refuseEmptyFlags(cmd)
		},
	}
	root.SetFlagErrorFunc(flagError)
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&a.flags.config, "config", "", "`file` to use instead of the nearest "+config.Name)
	f.StringVar(&a.flags.format, "format", string(report.FormatTerminal), joinNames(report.Formats()))
	f.StringVarP(&a.flags.output, "output", "o", "", "`file` to write the result to instead of standard output")
	f.StringVar(&a.flags.color, "color", "auto", "auto, always or never; NO_COLOR and CLICOLOR_FORCE count too")
	f.CountVarP(&a.flags.verbose, "verbose", "v", "print every statement and all SQL; twice: also what is being done")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "print findings in one line each, and the verdict")
	root.Version = readBuild().Version
	root.SetVersionTemplate("onward {{.Version}}\n")
	root.Flags().Bool("version", false, "the version; onward version says more")
	// Only the preflight has one more.
	_ = root.RegisterFlagCompletionFunc("format", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch cmd.Name() {
		case "preflight":
			return toStrings(report.PreflightFormats()), cobra.ShellCompDirectiveNoFileComp
		case "apply", "backfill", "contract", "abort", "guard", "status", "log":
			return toStrings(report.AppliedFormats()), cobra.ShellCompDirectiveNoFileComp
		}
		return toStrings(report.Formats()), cobra.ShellCompDirectiveNoFileComp
	})
	completeFlag(root, "color", "auto", "always", "never")
	for _, g := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Judge:", []*cobra.Command{
			a.newChangelogCommand(), a.newCheckCommand(), a.newLocksCommand(), a.newExplainCommand(), a.newRulesCommand(), a.newCommentCommand(),
			a.newReportCommand(),
		}},
		{"Prove:", []*cobra.Command{
			a.newRehearseCommand(), a.newRecordCommand(), a.newVerifyCommand(), a.newWorkloadCommand(), a.newCaptureCommand(),
		}},
		{"Plan:", []*cobra.Command{a.newPlanCommand(), a.newPreflightCommand(), a.newStatsCommand()}},
		{"Carry out:", []*cobra.Command{
			a.newApplyCommand(), a.newBackfillCommand(), a.newContractCommand(), a.newAbortCommand(), a.newGuardCommand(),
			a.newStatusCommand(), a.newLogCommand(),
		}},
		{"Many databases:", []*cobra.Command{a.newFleetCommand()}},
		{"Set up:", []*cobra.Command{a.newInitCommand(), a.newHookCommand(), a.newLSPCommand(), a.newMCPCommand(), a.newVersionCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, cmd := range g.commands {
			cmd.GroupID = g.title
			root.AddCommand(cmd)
		}
	}
	root.SetHelpCommandGroupID("Set up:")
	root.SetCompletionCommandGroupID("Set up:")
	a.refuseUnknownArguments(root)
	a.wrapHelp(root)
	return root
}

// newerServerNote says that a server is newer than all on which this release was proven.
func newerServerNote(major int) string {
	return fmt.Sprintf("the server is Postgres %d, and this release of onward was proven on %d to %d: locks and rewrites may differ from what it reports",
		major, onward.OldestMajor, onward.PreviewMajor)
}

// refuseUnknownArguments makes the commands of the library itself refuse unknown arguments, too.
func (a *app) refuseUnknownArguments(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Short = "help about a command"
			cmd.Args = func(_ *cobra.Command, args []string) error {
				if len(args) == 0 || slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == args[0] }) {
					return nil
				}
				return a.refuseUnknownCommand(root, args)
			}
		case "completion":
			cmd.Short = "print the completions for a shell"
			cmd.Args = nil
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				if len(args) == 0 {
					return cmd.Help()
				}
				var shells []string
				for _, shell := range cmd.Commands() {
					shells = append(shells, shell.Name())
				}
				return newUsageError("unknown shell %q: there is %s", args[0], strings.Join(shells, ", "))
			}
		}
	}
}

// refuseEmptyFlags refuses flags with an empty value, such as an unset variable: otherwise the
// flag would silently be ignored.
func refuseEmptyFlags(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			err = newUsageError("--%s is empty: give it a value, or leave it out", f.Name)
		}
	})
	return err
}

// completeFlag registers the values of a flag for shell completion.
func completeFlag[T ~string](cmd *cobra.Command, flag string, values ...T) {
	// The only error is an unknown flag, which the tests find.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(toStrings(values), cobra.ShellCompDirectiveNoFileComp))
}

// refuseUnknownCommand refuses words that are no command, and names the nearest.
func (a *app) refuseUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	hint := "; onward --help lists the commands"
	if suggestion := config.Nearest(args[0], names); suggestion != "" {
		hint = ": did you mean onward " + suggestion + "?"
	} else if _, err := os.Stat(args[0]); err == nil {
		hint = ": to judge a file, write onward check " + args[0]
	}
	return newUsageError("unknown command %q%s", args[0], hint)
}

// flagError names the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	const unknown = "unknown flag: --"
	name, ok := strings.CutPrefix(err.Error(), unknown)
	if !ok {
		return newUsageError("%v; see %s --help", err, cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if suggestion := config.Nearest(name, names); suggestion != "" {
		return newUsageError("unknown flag --%s: did you mean --%s?", name, suggestion)
	}
	return newUsageError("unknown flag --%s; see %s --help", name, cmd.CommandPath())
}

// checkArguments refuses a wrong number of arguments in words.
func checkArguments(least, most int, expected string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return newUsageError("%s is missing; see %s --help", expected, cmd.CommandPath())
		case most >= 0 && len(args) > most:
			return newUsageError("%s takes %s, so %q is too much; see %s --help", cmd.CommandPath(), expected, args[most], cmd.CommandPath())
		}
		return nil
	}
}

// requireCommand checks that a command is given, as in the example.
func requireCommand(example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return newUsageError("a command is missing: %s", example)
		}
		return nil
	}
}
