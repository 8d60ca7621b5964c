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
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/plan"
)

// project is a repository, or a part of one with a configuration of its own. One goroutine
// reads and judges it: always the newest texts, and never texts that were replaced meanwhile.
type project struct {
	server *server
	dir    string
	stop   context.CancelFunc

	mu       sync.Mutex
	requests int  // counts the requests
	again    bool // to read the repository again, too
	finished int  // the last finished request
	result   result
	// holds reports whether a file is in a directory of migrations that are judged; nil before the repository was read.
	holds func(file string) bool
	news  chan struct{} // closed when done grows
	more  chan struct{} // signals a new request
}

// result is what judging a project returns.
type result struct {
	root    string
	drafted *audit.Drafted   // nil: nothing could be judged
	texts   map[string]*text // by path in the repository, as they were judged
	// rewrites are the safe forms of the migrations with findings, if they stay one file. By path.
	rewrites map[string]*plan.Edit
	size     func(audit.Name) (rows, bytes int64, ok bool)
}

func newProject(s *server, dir string) *project {
	ctx, stop := context.WithCancel(s.ctx)
	p := &project{server: s, dir: dir, stop: stop, news: make(chan struct{}), more: make(chan struct{}, 1), again: true}
	go p.judgeRequests(ctx)
	return p
}

// holdsFile reports whether a file is in a directory of migrations that are judged.
func (p *project) holdsFile(file string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds != nil && p.holds(file)
}

// mayHoldFile is holdsFile, and true before the repository was read.
func (p *project) mayHoldFile(file string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holds == nil || p.holds(file)
}

// requestJudging requests that the project is judged.
func (p *project) requestJudging(fromScratch bool) {
	p.mu.Lock()
	p.requests++
	p.again = p.again || fromScratch
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// waitForResult waits for the result of all requests so far.
func (p *project) waitForResult(ctx context.Context) (result, error) {
	p.mu.Lock()
	want := p.requests
	p.mu.Unlock()
	for {
		p.mu.Lock()
		done, now, news := p.finished, p.result, p.news
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

// judgeRequests judges after each request, until ctx ends.
func (p *project) judgeRequests(ctx context.Context) {
	w := &worker{project: p}
	defer w.closeWorker()
	for {
		select {
		case <-p.more:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		asked, fromScratch := p.requests, p.again
		p.again = false
		p.mu.Unlock()
		began := time.Now()
		now := w.judgeDocuments(ctx, fromScratch)
		if fromScratch {
			p.server.refreshLenses()
		}
		if p.server.Judged != nil {
			p.server.Judged()
		}
		p.server.Logger.Debug("judged", "dir", p.dir, "again", fromScratch, "took", time.Since(began))
		p.mu.Lock()
		p.finished, p.result = asked, now
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
	}
}

// worker has the state that only a project's goroutine uses.
type worker struct {
	*project
	settings *config.Config
	draft    *audit.Draft
	mark     string // the base's commit when it was read
}

func (w *worker) closeWorker() {
	if w.draft != nil {
		_ = w.draft.Close()
		w.draft = nil
	}
}

// judgeDocuments judges the current documents, and publishes the findings.
func (w *worker) judgeDocuments(ctx context.Context, fromScratch bool) (out result) {
	defer func() {
		if r := recover(); r != nil {
			w.closeWorker() // its state may be incomplete
			w.server.showMessage(1, fault.FromPanic(r).Error())
			out = result{}
		}
	}()
	if mark := w.commitKey(); fromScratch || w.draft == nil || mark != w.mark {
		w.closeWorker()
		w.mark = mark
		w.readRepository(ctx)
	}
	docs := w.server.listDocs(w.project)
	if w.draft == nil {
		for _, d := range docs {
			w.server.publishDiagnostics(d, nil)
		}
		return result{}
	}
	out = result{root: w.draft.Root(), texts: map[string]*text{}, size: w.draft.Size}
	texts := map[string]string{}
	for i := range docs {
		d := &docs[i]
		if d.path = relativePath(out.root, d.file); d.isMigration() && d.path != "" && w.draft.Holds(d.path) {
			texts[d.path], out.texts[d.path] = d.text.content, d.text
		}
	}
	drafted, err := w.draft.Judge(ctx, texts)
	if err != nil {
		w.server.Logger.Debug("judge", "dir", w.dir, "error", err)
		for _, d := range docs {
			w.server.publishDiagnostics(d, nil)
		}
		return out
	}
	out.drafted, out.rewrites = drafted, map[string]*plan.Edit{}
	for path, text := range texts {
		out.rewrites[path] = plan.RewriteDraft(ctx, w.draft, drafted, w.settings, path, text)
	}
	for _, d := range docs {
		w.server.publishDiagnostics(d, drafted.Report)
	}
	w.server.publishVerdict(out.root, drafted.Report)
	return out
}

// readRepository reads the repository. It shows an error that prevents judging once.
func (w *worker) readRepository(ctx context.Context) {
	defer func() {
		holds := func(string) bool { return false }
		if d := w.draft; d != nil {
			holds = func(file string) bool {
				path := relativePath(d.Root(), file)
				return path != "" && d.Holds(path)
			}
		}
		w.mu.Lock()
		w.holds = holds
		w.mu.Unlock()
	}()
	settings, err := w.server.Settings(w.dir)
	if err != nil {
		w.server.showMessage(1, err.Error())
		return
	}
	d, err := audit.ReadDraft(ctx, audit.Config{Dir: w.dir, Settings: settings, Deployed: w.server.Deployed, Logger: w.server.Logger})
	none := new(adapter.NotFoundError)
	switch {
	case err == nil:
		w.settings, w.draft = settings, d
	case errors.As(err, &none), ctx.Err() != nil:
	default:
		w.server.showMessage(2, err.Error())
	}
}

// commitKey returns a text that changes when the repository is at another commit.
func (w *worker) commitKey() string {
	git := filepath.Join(w.dir, ".git")
	for current := w.dir; !fileExists(git) && current != filepath.Dir(current); current = filepath.Dir(current) {
		git = filepath.Join(filepath.Dir(current), ".git")
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

// listDocs returns the current documents of a project.
func (s *server) listDocs(p *project) []doc {
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

// relativePath returns the path of a file relative to a repository; "" if it is not in it.
func relativePath(root, file string) string {
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
