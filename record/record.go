package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/collect"
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
	// Dir is where it runs; "" is the current directory.
	Dir string
	// In, Out and Err are the command's; Env its environment besides, as in os/exec.
	In       io.Reader
	Out, Err io.Writer
	Env      []string
	// Listen is where the proxy listens, "host:port"; "" is a free port of 127.0.0.1.
	Listen string
	// Server is the address of a server to record before; "" is a throwaway one.
	Server string
	// Major is the version of the throwaway server; 0 is the newest that is installed.
	Major int
	// Schema is a file from pg_dump that fills the throwaway server's database.
	Schema string
	// Base, where it is not nil, names a release: the database gets its deployed schema.
	Base *rehearse.Config
	// DenyDeprecated makes the server refuse each query that touches a deprecated column:
	// one that a comment calls so, or that Deprecated lists ("users.nickname"). The command is no
	// superuser then.
	DenyDeprecated bool
	Deprecated     []string
	// Values also stores a few examples of what each query's parameters were. They are data:
	// the recording is then to be kept as a dump is.
	Values bool
	// Ready, where it is not nil, is called once, when the proxy listens.
	Ready func(address string)
	// Logger hears what is being done; nil is nobody.
	Logger *slog.Logger
}

// Result is what was recorded.
type Result struct {
	Workload *Workload
	// Denied are the queries that were refused because of deprecated columns.
	Denied []Denied
	// Failed is how the command ended, where that was not well: an *exec.ExitError, or why
	// it could not be run.
	Failed error
}

// grace is how long a command has to end when it is told to.
const grace = 10 * time.Second

// Run records. The error is for what kept it from recording; that the command failed is
// in the result.
func Run(ctx context.Context, c Config) (*Result, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if c.DenyDeprecated {
		if err := s.deny(ctx, c.Deprecated); err != nil {
			return nil, err
		}
	}
	r := &recorder{Config: c, scene: s, known: map[string]*workload.Query{}, denied: map[string]bool{}}
	return r.run(ctx)
}

// recorder is one recording.
type recorder struct {
	Config
	scene   *scene
	collect *collect.Collector
	// known is guarded by lock: databases of several clients go at once.
	lock  sync.Mutex
	known map[string]*workload.Query // what was found out of queries, by their IDs
	// denied are the deprecated columns of all databases.
	denied map[string]bool
}

func (r *recorder) run(ctx context.Context) (*Result, error) {
	var books []string
	for name := range all.Books() {
		books = append(books, name)
	}
	slices.Sort(books)
	server, err := wire.ParseServer(r.scene.url)
	if err != nil {
		return nil, err
	}
	tls, err := wire.SelfSigned()
	if err != nil {
		return nil, err
	}
	r.collect = collect.New(collect.Config{Owner: r.scene.user, Books: books, Values: r.Values})
	proxy, err := wire.Listen(ctx, wire.Config{
		Listen: r.Listen, Server: server, TLS: tls, Sink: r.collect, Logger: r.Logger,
		BeforeDrop: func(ctx context.Context, d wire.Drop) { r.learn(ctx, r.collect.Seen(d.Database), d.Database) },
	})
	if err != nil {
		return nil, err
	}
	out := &Result{}
	if r.Ready != nil {
		r.Ready(proxy.Addr().String())
	}
	if len(r.Command) > 0 {
		out.Failed = r.command(ctx, proxy)
	} else {
		<-ctx.Done()
	}
	// What was recorded is kept, also when the command was told to stop.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	if err := proxy.Close(); err != nil {
		r.Logger.Debug("close the proxy", "error", err)
	}
	recording := r.collect.Recording()
	for _, db := range databases(recording) {
		r.learn(ctx, recording, db)
	}
	out.Workload = r.finish(ctx, recording)
	out.Denied = refused(out.Workload, r.denied)
	return out, nil
}

// databases are those that something was sent to, sorted.
func databases(rec *collect.Recording) []string {
	var out []string
	for _, f := range rec.Facts {
		if !slices.Contains(out, f.Database) {
			out = append(out, f.Database)
		}
	}
	slices.Sort(out)
	return out
}

// command runs the command, before the proxy.
func (r *recorder) command(ctx context.Context, proxy *wire.Proxy) error {
	cmd := exec.CommandContext(ctx, r.Command[0], r.Command[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Dir, r.In, r.Out, r.Err
	cmd.Env = append(append(os.Environ(), r.scene.environment(proxy.Host(), proxy.Port())...), r.Env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("run %s: %w", r.Command[0], err)
	}
	return err
}

// learn finds out what the queries to one database need, while it is there.
func (r *recorder) learn(ctx context.Context, rec *collect.Recording, database string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	var todo []*workload.Query
	for i := range rec.Workload.Queries {
		q := &rec.Workload.Queries[i]
		f := rec.Facts[q.ID]
		if known := r.known[q.ID]; known != nil && known.Resolved != "" || f.Database != database && !slices.Contains(f.Databases, database) {
			continue
		}
		one := *q
		todo = append(todo, &one)
	}
	if len(todo) == 0 {
		return
	}
	err := r.scene.ask(ctx, database, func(res *resolver) error {
		if r.scene.denies {
			columns, err := res.denied(ctx)
			if err != nil {
				return err
			}
			for _, name := range columns {
				r.denied[name] = true
			}
		}
		for _, q := range todo {
			if f := rec.Facts[q.ID]; f.Database == database {
				res.declared = r.scene.oids(f.ParamOIDs)
			} else {
				res.declared = nil
			}
			if err := res.resolve(ctx, q); err != nil {
				return err
			}
			r.known[q.ID] = q
		}
		return nil
	})
	if err != nil {
		r.Logger.Info("what queries use was not asked of the server", "database", database, "error", err)
	}
}

// finish puts what was found out into the recording.
func (r *recorder) finish(ctx context.Context, rec *collect.Recording) *Workload {
	w := rec.Workload
	w.Postgres, w.Revision = r.scene.major, revision(ctx)
	unknown := 0
	for i := range w.Queries {
		q := &w.Queries[i]
		k := r.known[q.ID]
		switch {
		case k != nil:
			q.Params, q.Columns, q.Uses, q.Functions, q.Types, q.Resolved, q.Unread = k.Params, k.Columns, k.Uses, k.Functions, k.Types, k.Resolved, k.Unread
			if q.Mark == workload.Code {
				q.Mark = k.Mark
			}
		case q.IsCode() && q.Kind != workload.Broken:
			unknown++
		}
	}
	if unknown > 0 {
		w.Notes = append(w.Notes, fmt.Sprintf("of %d queries the server was not asked what they use, as their database was gone", unknown))
	}
	return w
}

// revision is the commit of the working directory; "" where there is none.
func revision(ctx context.Context) string {
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
