// Package record runs a command, such as a test suite, against a Postgres through a proxy, and returns what it
// sent: each distinct query once, without its values, with the server's account of what it needs of the schema.
//
// The server is a throwaway one, empty or with the deployed schema, unless the user names an address. Onward
// writes nothing there: it resolves queries on a copy of the schema.
package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/sockets"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/collect"
	"github.com/onward-sql/onward/internal/wire/messagelog"
	"github.com/onward-sql/onward/internal/wire/testlog"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/rehearse"
)

// Workload is a recording.
type Workload = workload.Workload

// Config says what to record, and before which server.
type Config struct {
	// Command is the program that is run, with its arguments. None: what connects to the
	// proxy is recorded until the context ends.
	Command []string
	// Dir is the directory of the command; "" is the current one.
	Dir string
	// In, Out and Err are the command's; Env its environment besides, as in os/exec.
	In       io.Reader
	Out, Err io.Writer
	Env      []string
	// Listen is where the proxy listens, "host:port"; "" is a free port of 127.0.0.1.
	Listen string
	// AcceptUsers are accounts of this machine that may connect, too, if the server asks for no password; see [wire.Clients].
	AcceptUsers []uint32
	// SSLMode is the sslmode that the command is given for its connection to the proxy, as libpq spells it; "" is
	// "disable". With any, it is given a root certificate that lets it verify the proxy.
	SSLMode string
	// Server is the address of a server to record before; "" is a throwaway one.
	Server string
	// Major is the version of the throwaway server; 0 is the newest that is installed.
	Major int
	// Schema is a file from pg_dump that fills the throwaway server's database.
	Schema string
	// Base names a release, if it is not nil: the database gets its deployed schema.
	Base *rehearse.Config
	// DenyDeprecated makes the server refuse each query that touches a deprecated column:
	// one that a comment calls so, or that Deprecated lists ("users.nickname"). The command is no
	// superuser then.
	DenyDeprecated bool
	Deprecated     []string
	// Limit is for how long the server may be asked what the queries use, all questions together; 0 is 5 minutes.
	Limit time.Duration
	// Folds are patterns of names of schemas and databases that count as one, "test_*" or "test_*=public"; none detects
	// those that a suite makes for its tests, and "none" alone keeps all apart.
	Folds []string
	// Values also stores a few examples of what each query's parameters were. They are data:
	// the recording is then to be kept as a dump is.
	Values bool
	// Transcript also keeps all messages, with their values, in order. They are data, as above.
	Transcript bool
	// Redact are what is replaced in the values and the transcript before they are returned, by regular expression.
	Redact []*regexp.Regexp
	// RedactColumns are columns whose values are replaced: table.column, or *.column. A value that may belong to one is replaced, too.
	RedactColumns []string
	// Ready is called once, when the proxy listens, if it is not nil.
	Ready func(address string)
	// Logger hears what is being done; nil is nobody.
	Logger *slog.Logger
}

// Transcript is what the command sent, with its values, in order.
type Transcript = transcript.Transcript

// Result is what was recorded.
type Result struct {
	Workload *Workload
	// Transcript is nil unless it was asked for.
	Transcript *Transcript
	// Denied are the queries that were refused because of deprecated columns.
	Denied []Denied
	// Failed is the command's failure: an *exec.ExitError, or the reason why it could not run; nil for none.
	Failed error
}

// grace is how long a command may take to end after a signal.
const grace = 10 * time.Second

// Run records. The error is for what kept it from recording; that the command failed is
// in the result.
func Run(ctx context.Context, c Config) (*Result, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if _, err := c.foldRules(); err != nil {
		return nil, err
	}
	s, err := c.openTarget(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stopTarget()
	if c.DenyDeprecated {
		if err := s.denyDeprecatedColumns(ctx, c.Deprecated); err != nil {
			return nil, err
		}
	}
	r := &recorder{Config: c, target: s, known: map[string]*workload.Query{}, denied: map[string]bool{},
		asked: questions{left: c.questionLimit(), slow: map[string]bool{}, strings: map[string][]workload.Strings{}}, shapes: newShapes()}
	if len(c.RedactColumns) > 0 {
		r.rules = transcript.NewColumnRules(c.RedactColumns)
	}
	return r.runRecording(ctx)
}

// recorder is one recording.
type recorder struct {
	clients *wire.Clients // who may connect
	Config
	target  *recordTarget
	collect *collect.Collector
	// known is guarded by lock: databases of several clients go at once.
	lock  sync.Mutex
	known map[string]*workload.Query // what was found out of queries, by their IDs
	// denied are the deprecated columns of all databases.
	denied map[string]bool
	asked  questions
	shapes shapes
	tests  *testlog.Log
	// rules are the columns whose values are replaced; nil for none.
	rules *transcript.ColumnRules
}

func (r *recorder) runRecording(ctx context.Context) (*Result, error) {
	var books []string
	for name := range all.HistoryTables() {
		books = append(books, name)
	}
	slices.Sort(books)
	server, err := wire.ParseServer(r.target.url)
	if err != nil {
		return nil, err
	}
	users := r.AcceptUsers
	if len(r.Command) == 0 { // nobody knows which programs will connect
		users = append(slices.Clone(users), uint32(os.Geteuid()))
	}
	r.clients = wire.NewClients(users)
	root, err := wire.NewRootFile(r.Listen)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Remove() }()
	if r.tests, err = testlog.Open(); err != nil {
		return nil, fmt.Errorf("make a file for the names of tests: %w", err)
	}
	defer func() { _ = r.tests.Close() }()
	r.collect = collect.New(collect.Config{Owner: r.target.owner, Books: books, Values: r.Values})
	in := wire.Config{
		Listen: r.Listen, Server: server, Clients: r.clients, TLS: root.TLS, Sink: r.collect, Tests: r.tests.Follow, Logger: r.Logger,
		SearchPath: r.searchPath,
		BeforeDrop: func(ctx context.Context, d wire.Drop) {
			r.resolveQueries(ctx, r.collect.DatabaseRecording(d.Database), d.Database, d.Schema)
		},
	}
	var messages *messagelog.Log
	if r.Config.Transcript {
		messages = messagelog.New()
		in.Whole = messages
	}
	proxy, err := wire.Listen(ctx, in)
	if err != nil {
		return nil, err
	}
	r.Logger.Info("the proxy listens", "address", proxy.Addr().String(), "root certificate", root.Path)
	out := &Result{}
	if r.canFold() {
		if err := r.shapes.readInitialNames(ctx, r.target); err != nil { // nobody knows what the command makes itself
			r.Logger.Info("schemas are not folded", "error", err)
			r.Folds = []string{noFold}
		}
	}
	if r.Ready != nil {
		r.Ready(proxy.Addr().String())
	}
	if len(r.Command) > 0 {
		out.Failed = r.runCommand(ctx, proxy, root)
	} else {
		<-ctx.Done()
	}
	// The recording is kept even if the command was stopped.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), r.questionLimit()+time.Minute)
	defer stop()
	if err := proxy.Close(); err != nil {
		r.Logger.Debug("close the proxy", "error", err)
	}
	recording := r.collect.Recording()
	for _, db := range r.remainingDatabases(ctx, recording) {
		r.resolveQueries(ctx, recording, db, "")
	}
	if out.Workload, err = r.foldWorkload(r.completeWorkload(ctx, recording)); err != nil {
		return nil, err
	}
	if n := proxy.Stats().Untrusted; n > 0 {
		out.Workload.Notes = append(out.Workload.Notes, wire.UntrustedNote(n, true))
	}
	out.Denied = deniedQueries(out.Workload, r.denied)
	if messages != nil {
		out.Transcript = r.completeTranscript(messages.Transcript(), out.Workload)
	}
	if len(r.Redact) > 0 || r.rules != nil {
		redactValues(out, transcript.NewRedactor(r.Redact), r.rules)
	}
	return out, nil
}

// runCommand runs the command, before the proxy.
func (r *recorder) runCommand(ctx context.Context, proxy *wire.Proxy, root *wire.RootFile) error {
	cmd := exec.CommandContext(ctx, r.Command[0], r.Command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Dir, r.In, r.Out, r.Err
	env, err := r.target.clientEnvironment(os.Environ(), proxy.Host(), proxy.Port(), cmp.Or(r.SSLMode, "disable"), root, r.clients)
	if err != nil {
		return err
	}
	cmd.Env = append(append(env, testlog.Variable+"="+r.tests.Path()), r.Env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	if err = cmd.Start(); err == nil {
		r.clients.LetIn(sockets.NewTree(cmd.Process.Pid).Members)
		err = cmd.Wait()
	}
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("run %s: %w", r.Command[0], err)
	}
	return err
}

// completeWorkload puts what was found out into the recording.
func (r *recorder) completeWorkload(ctx context.Context, rec *collect.Recording) *Workload {
	w := rec.Workload
	w.Postgres, w.Revision = r.target.major, headCommit(ctx)
	unknown := 0
	for i := range w.Queries {
		q := &w.Queries[i]
		k := r.known[q.ID]
		switch {
		case k != nil:
			q.Params, q.Columns, q.Uses, q.Functions, q.Types, q.Names = k.Params, k.Columns, k.Uses, k.Functions, k.Types, k.Names
			q.Resolved, q.Unread = k.Resolved, k.Unread
			if r.hasNewNames(k, rec.Facts[q.ID].Strings) { // nobody was asked about them
				markPartial(q.Names)
			}
			if q.Mark == workload.Code {
				q.Mark = k.Mark
			}
		case q.IsCode() && q.Kind != workload.Broken:
			unknown++
		}
	}
	w.Notes = append(w.Notes, r.questionNotes(unknown)...)
	if r.isTestSuite() {
		dropIdleTimes(w)
	}
	return w
}

// completeTranscript adds what the recorder knows of the database.
func (r *recorder) completeTranscript(t *Transcript, w *Workload) *Transcript {
	t.Revision, t.Postgres, t.Database, t.User = w.Revision, w.Postgres, r.target.database, r.target.user
	switch {
	case r.Server != "":
		t.Start = transcript.StartsLive
	case r.Base != nil:
		t.Start = transcript.StartsBase
	case r.Schema != "":
		t.Start = transcript.StartsDump
	default:
		t.Start = transcript.StartsEmpty
	}
	return t
}

// redactValues replaces values in what is returned: a value that both have is replaced by the same one.
func redactValues(out *Result, r *transcript.Redactor, rules *transcript.ColumnRules) {
	if rules != nil {
		for i := range out.Workload.Queries {
			q := &out.Workload.Queries[i]
			rules.RedactValues(r, q.SQL, q.Values)
		}
		if out.Transcript != nil {
			out.Transcript.RedactColumns(r, rules)
		}
	}
	redactSenders := func(list []workload.Sender) {
		for i := range list {
			list[i].Test, list[i].Application = r.RedactText(list[i].Test), r.RedactText(list[i].Application)
		}
	}
	for i := range out.Workload.Sequences {
		redactSenders(out.Workload.Sequences[i].Senders)
	}
	for i := range out.Workload.Queries {
		redactSenders(out.Workload.Queries[i].Senders)
		for _, example := range out.Workload.Queries[i].Values {
			for j, value := range example {
				if value != nil {
					text := r.RedactText(*value)
					example[j] = &text
				}
			}
		}
	}
	if out.Transcript != nil {
		out.Transcript.Redact(r)
		out.Transcript.Notes = append(out.Transcript.Notes, prose.CountNoun(r.Count(), "value")+" that redact in onward.yaml names "+
			prose.PickForm(r.Count(), "is", "are")+" replaced in the transcript")
	}
}

// headCommit returns the commit of the working directory; "" if there is none.
func headCommit(ctx context.Context) string {
	dir, err := filepath.Abs(".")
	if err != nil {
		return ""
	}
	repo, err := gitrange.Open(ctx, dir)
	if err != nil {
		return ""
	}
	defer repo.Close()
	id, err := repo.Commit(ctx)
	if err != nil {
		return ""
	}
	return id
}

// testCommand finds the words of commands that run tests.
var testCommand = lazyregexp.New(`(?i)(^|[^a-z])(tests?|pytest|rspec|phpunit|pest|jest|vitest|mocha|tox|nox|behave|ctest|nextest|playwright|cypress)([^a-z]|$)`)

// isTestSuite reports whether a recording is of a test suite: a command on a throwaway server, or one that runs tests.
func (r *recorder) isTestSuite() bool {
	return len(r.Command) > 0 && (r.target.copies == nil || testCommand.MatchString(strings.Join(r.Command, " ")))
}

// dropIdleTimes removes the times in which transactions were open and idle. In a suite a test holds its transaction open
// while it computes and compares: that says nothing about the code.
func dropIdleTimes(w *workload.Workload) {
	for i := range w.Sequences {
		w.Sequences[i].IdleMS, w.Sequences[i].MostIdleMS = 0, 0
	}
}
