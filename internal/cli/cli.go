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

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/report"
)

// Main runs the command line of the process and gives its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, collector: paceCollector(os.Getenv)}
	go a.interrupted(ctx, stop)
	return a.run(ctx, os.Args[1:])
}

// interrupted ends a process that was told to stop and does not: parsing and
// judging never look at a context. What does, such as a renderer that has
// processes to end, gets a moment for it; a second signal ends all at once.
func (a *app) interrupted(ctx context.Context, stop func()) {
	<-ctx.Done()
	stop()
	time.Sleep(max(grace, time.Duration(a.patience.Load())))
	fmt.Fprintln(os.Stderr, "onward: interrupted")
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
	// patience is how long, in nanoseconds, a command may take that was told to stop; 0 is
	// a moment.
	patience atomic.Int64
	// code is what a command that did its work exits with.
	code int
}

// globals are the flags that every command has.
type globals struct {
	config, format, output, color string
	verbose                       int
	quiet                         bool
}

func (a *app) run(ctx context.Context, args []string) int {
	// What a stranger wrote is in errors and in lines of the log, too.
	a.err = report.Aside{W: a.err}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	if err := root.ExecuteContext(ctx); err != nil {
		// What a flag or an argument was may be an address.
		text := strings.TrimSpace(address.Hide(err.Error()))
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			text = "interrupted" // wherever it was
		}
		fmt.Fprintf(a.err, "onward: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
		return exitCode(err)
	}
	return a.code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "onward",
		Short: "What does this branch do to the database, and does the deploy survive it?",
		Long: `What does this branch do to the database, and does the deploy survive it?

onward reads the migrations that a branch adds, as their framework will run
them, and says what changes, what is locked and for how long, and what breaks
in the code that is deployed now. It needs no database and no configuration.`,
		Example: `  onward changelog                      this branch against the default branch
  onward rehearse --traffic             the same on a throwaway Postgres
  onward check db/migrations            files, directories, or - for standard input
  onward locks -e 'TRUNCATE orders'     what a statement locks
  onward explain index-create-blocking  what a rule is about`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          a.noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return noneEmpty(cmd)
		},
	}
	root.SetFlagErrorFunc(flagError)
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&a.flags.config, "config", "", "`file` to use instead of the nearest "+config.Name)
	f.StringVar(&a.flags.format, "format", string(report.FormatTerminal), list(report.Formats()))
	f.StringVarP(&a.flags.output, "output", "o", "", "`file` to write the result to instead of standard output")
	f.StringVar(&a.flags.color, "color", "auto", "auto, always or never; NO_COLOR and CLICOLOR_FORCE count too")
	f.CountVarP(&a.flags.verbose, "verbose", "v", "print every statement and all SQL; twice: also what is being done")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "print findings in one line each, and the verdict")
	root.Version = thisBuild().Version
	root.SetVersionTemplate("onward {{.Version}}\n")
	root.Flags().Bool("version", false, "the version; onward version says more")
	// Only the preflight has one more.
	_ = root.RegisterFlagCompletionFunc("format", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch cmd.Name() {
		case "preflight":
			return texts(report.PreflightFormats()), cobra.ShellCompDirectiveNoFileComp
		case "apply", "backfill", "contract", "abort", "guard", "status", "log":
			return texts(report.AppliedFormats()), cobra.ShellCompDirectiveNoFileComp
		}
		return texts(report.Formats()), cobra.ShellCompDirectiveNoFileComp
	})
	complete(root, "color", "auto", "always", "never")
	root.AddCommand(a.first(), a.changelog(), a.rehearse(), a.record(), a.verify(), a.plan(), a.preflight(), a.apply(), a.backfill(), a.contract(), a.abort(), a.guard(), a.status(), a.log(), a.check(), a.locks(), a.stats(), a.workload(), a.explain(), a.rules(), a.lsp(), a.report(), a.comment(), a.version())
	a.strict(root)
	return root
}

// strict makes the library's own commands refuse what they do not know, too.
func (a *app) strict(root *cobra.Command) {
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
				return a.noCommand(root, args)
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
				return usagef("unknown shell %q: there is %s", args[0], strings.Join(shells, ", "))
			}
		}
	}
}

// noneEmpty refuses flags with an empty value, such as that of a variable that
// is not set: what the user asked for would not be done, without a word.
func noneEmpty(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("--%s is empty: give it a value, or leave it out", f.Name)
		}
	})
	return err
}

// complete registers the values of a flag for shell completion.
func complete[T ~string](cmd *cobra.Command, flag string, values ...T) {
	// The only error is a flag that does not exist, which the tests see.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(texts(values), cobra.ShellCompDirectiveNoFileComp))
}

// noCommand refuses words that are no command, and names the nearest.
func (a *app) noCommand(cmd *cobra.Command, args []string) error {
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
	if near := config.Nearest(args[0], names); near != "" {
		hint = ": did you mean onward " + near + "?"
	} else if _, err := os.Stat(args[0]); err == nil {
		hint = ": to judge a file, write onward check " + args[0]
	}
	return usagef("unknown command %q%s", args[0], hint)
}

// flagError names the flag that was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	const unknown = "unknown flag: --"
	name, ok := strings.CutPrefix(err.Error(), unknown)
	if !ok {
		return usagef("%v; see %s --help", err, cmd.CommandPath())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := config.Nearest(name, names); near != "" {
		return usagef("unknown flag --%s: did you mean --%s?", name, near)
	}
	return usagef("unknown flag --%s; see %s --help", name, cmd.CommandPath())
}

// arguments refuses a wrong number of arguments in words.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("%s is missing; see %s --help", what, cmd.CommandPath())
		case most >= 0 && len(args) > most:
			return usagef("%s takes %s, so %q is too much; see %s --help", cmd.CommandPath(), what, args[most], cmd.CommandPath())
		}
		return nil
	}
}
