package lsp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/fault"
)

// project is a repository, or the part of one that has a configuration of its own. One
// goroutine reads and judges it: the newest texts, and never those that they took the place of.
type project struct {
	server *server
	dir    string
	stop   context.CancelFunc

	mu     sync.Mutex
	asked  int  // counts what was asked for
	again  bool // to read the repository again, too
	done   int  // of asked
	result result
	news   chan struct{} // closed when done grows
	more   chan struct{} // has one when asked grew
}

// result is what a project came to.
type result struct {
	root    string
	drafted *audit.Drafted   // nil: nothing could be judged
	texts   map[string]*text // by path in the repository, as they were judged
	size    func(audit.Name) (rows, bytes int64, ok bool)
}

func newProject(s *server, dir string) *project {
	ctx, stop := context.WithCancel(s.ctx)
	p := &project{server: s, dir: dir, stop: stop, news: make(chan struct{}), more: make(chan struct{}, 1), again: true}
	go p.work(ctx)
	return p
}

func (p *project) end() { p.stop() }

// wake asks for the project to be judged.
func (p *project) wake(again bool) {
	p.mu.Lock()
	p.asked++
	p.again = p.again || again
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// latest waits for what all that was asked so far comes to.
func (p *project) latest(ctx context.Context) (result, error) {
	p.mu.Lock()
	want := p.asked
	p.mu.Unlock()
	for {
		p.mu.Lock()
		done, now, news := p.done, p.result, p.news
		p.mu.Unlock()
		if done >= want {
			return now, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return result{}, ctx.Err()
		}
	}
}

// work judges whenever something was asked for, until ctx ends.
func (p *project) work(ctx context.Context) {
	w := &worker{project: p}
	defer w.close()
	for {
		select {
		case <-p.more:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		asked, again := p.asked, p.again
		p.again = false
		p.mu.Unlock()
		began := time.Now()
		now := w.judge(ctx, again)
		p.server.Logger.Debug("judged", "dir", p.dir, "again", again, "took", time.Since(began))
		p.mu.Lock()
		p.done, p.result = asked, now
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
	}
}

// worker is what only the goroutine of a project sees.
type worker struct {
	*project
	draft *audit.Draft
	mark  string // of the base when it was read
}

func (w *worker) close() {
	if w.draft != nil {
		_ = w.draft.Close()
		w.draft = nil
	}
}

// judge judges the documents as they are now, and shows what was found.
func (w *worker) judge(ctx context.Context, again bool) (out result) {
	defer func() {
		if r := recover(); r != nil {
			w.close() // what it knows may be half of it
			w.server.show(1, fault.Of(r).Error())
			out = result{}
		}
	}()
	if mark := w.marks(); again || w.draft == nil || mark != w.mark {
		w.close()
		w.mark = mark
		w.read(ctx)
	}
	docs := w.server.docsOf(w.project)
	if w.draft == nil {
		for _, d := range docs {
			w.server.publish(d, nil)
		}
		return result{}
	}
	out = result{root: w.draft.Root(), texts: map[string]*text{}, size: w.draft.Size}
	texts := map[string]string{}
	for i := range docs {
		d := &docs[i]
		if d.path = within(out.root, d.file); d.judged() && d.path != "" && w.draft.Holds(d.path) {
			texts[d.path], out.texts[d.path] = d.text.content, d.text
		}
	}
	drafted, err := w.draft.Judge(ctx, texts)
	if err != nil {
		w.server.Logger.Debug("judge", "dir", w.dir, "error", err)
		for _, d := range docs {
			w.server.publish(d, nil)
		}
		return out
	}
	out.drafted = drafted
	for _, d := range docs {
		w.server.publish(d, drafted.Report)
	}
	return out
}

// read reads the repository. What keeps it from being judged is told once.
func (w *worker) read(ctx context.Context) {
	settings, err := w.server.Settings(w.dir)
	if err != nil {
		w.server.show(1, err.Error())
		return
	}
	d, err := audit.ReadDraft(ctx, audit.Config{Dir: w.dir, Settings: settings, Deployed: w.server.Deployed, Logger: w.server.Logger})
	none := new(adapter.NotFoundError)
	switch {
	case err == nil:
		w.draft = d
	case errors.As(err, &none), ctx.Err() != nil:
	default:
		w.server.show(2, err.Error())
	}
}

// marks are what changes when the repository stands at another commit.
func (w *worker) marks() string {
	git := filepath.Join(w.dir, ".git")
	for at := w.dir; !exists(git) && at != filepath.Dir(at); at = filepath.Dir(at) {
		git = filepath.Join(filepath.Dir(at), ".git")
	}
	if file, err := os.ReadFile(git); err == nil { // a worktree
		if dir, ok := strings.CutPrefix(strings.TrimSpace(string(file)), "gitdir: "); ok {
			if git = dir; !filepath.IsAbs(dir) {
				git = filepath.Join(w.dir, dir)
			}
		}
	}
	var out string
	for _, name := range []string{"HEAD", "logs/HEAD"} {
		if info, err := os.Stat(filepath.Join(git, name)); err == nil {
			out += info.ModTime().Format(time.RFC3339Nano) + " "
		}
	}
	return out
}

// docsOf are the documents of a project as they are now.
func (s *server) docsOf(p *project) []doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []doc
	for _, d := range s.docs {
		if d.project == p {
			out = append(out, *d)
		}
	}
	return out
}

// within is the path of a file in a repository; "" where it is not in it.
func within(root, file string) string {
	if real, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		file = filepath.Join(real, filepath.Base(file))
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	rel, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}
