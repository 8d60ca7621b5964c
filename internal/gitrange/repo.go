package gitrange

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Repo is an open git repository with a working tree. Its methods may be
// called from several goroutines. Close it to end its git process and to
// remove its temporary checkouts.
type Repo struct {
	git     *program
	root    string
	prefix  string
	remotes []string          // the most likely one first
	hosts   map[string]string // by remote; those with a host
	partial bool              // a blobless or treeless clone
	batch   *batch
	edits   Edits

	mu      sync.Mutex
	commits map[string]*commitTree // by commit id
	temp    []func() error         // functions that remove checkouts
	closed  bool
}

// Open finds the repository that dir is in; dir may be a sub-directory, a
// linked worktree or a submodule. The repository can be used until ctx ends or
// Close is called.
//
// Errors: [*NotRepositoryError], [*BareRepositoryError], [*OwnershipError], and
// one that says so when there is no git program.
func Open(ctx context.Context, dir string) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open repository: %s is not a directory", dir)
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, fmt.Errorf("the git program was not found in PATH; install git: %w", err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	clean, vars := splitEnvironment(os.Environ())
	git := &program{dir: dir, env: chooseEnv(ctx, dir, cwd, clean, vars)}

	root, err := findRoot(ctx, git, dir)
	if err != nil {
		return nil, err
	}
	prefix, err := filepath.Rel(resolveLinks(root), resolveLinks(dir))
	if err != nil || !filepath.IsLocal(prefix) {
		return nil, fmt.Errorf("open repository: git takes %s for the working tree, and %s is not in it (core.worktree, GIT_WORK_TREE)", root, dir)
	}
	if prefix == "." {
		prefix = ""
	}
	git.dir = root
	r := &Repo{git: git, root: root, prefix: filepath.ToSlash(prefix), commits: map[string]*commitTree{}, hosts: map[string]string{}}
	if err := r.readConfig(ctx); err != nil {
		return nil, err
	}
	r.batch = &batch{git: git, ctx: ctx, held: map[string][]byte{}}
	return r, nil
}

// findRoot returns the top of the working tree that dir is in.
func findRoot(ctx context.Context, git *program, dir string) (string, error) {
	out, err := git.runForOutput(ctx, "rev-parse", "--is-bare-repository", "--is-inside-work-tree", "--show-toplevel")
	answers := strings.SplitN(string(out), "\n", 3)
	if err == nil && len(answers) == 3 && answers[1] == "true" {
		return filepath.FromSlash(strings.TrimSuffix(answers[2], "\n")), nil
	}
	if len(answers) >= 2 && answers[1] == "false" {
		return "", &BareRepositoryError{Dir: dir}
	}
	if ge, ok := errors.AsType[*GitError](err); ok {
		switch {
		case strings.Contains(ge.Stderr, "dubious ownership"), strings.Contains(ge.Stderr, "unsafe repository"):
			return "", &OwnershipError{Dir: dir}
		case strings.Contains(ge.Stderr, "not a git repository"):
			return "", &NotRepositoryError{Dir: dir}
		}
	}
	if err == nil {
		err = fmt.Errorf("git rev-parse answered %.80q", out)
	}
	return "", fmt.Errorf("open repository %s: %w", dir, err)
}

// readConfig learns the remotes and whether this is a partial clone, and
// switches off the filters that the repository itself configures: git diff
// would run them. Filters of the user's own configuration (Git LFS) stay.
func (r *Repo) readConfig(ctx context.Context) error {
	out, err := r.git.runForOutput(ctx, "config", "--list", "-z", "--show-scope")
	if err != nil {
		return fmt.Errorf("read the configuration of %s (git 2.26 or newer is needed): %w", r.root, err)
	}
	settings, err := parseConfig(out)
	if err != nil {
		return fmt.Errorf("read the configuration of %s: %w", r.root, err)
	}
	filters := map[string]bool{}
	for _, s := range settings {
		section, rest, _ := strings.Cut(s.key, ".")
		dot := strings.LastIndexByte(rest, '.')
		name, variable := "", rest
		if dot >= 0 {
			name, variable = rest[:dot], rest[dot+1:]
		}
		switch {
		case section == "remote" && name != "":
			if !slices.Contains(r.remotes, name) {
				r.remotes = append(r.remotes, name)
			}
			r.partial = r.partial || variable == "promisor" && s.value != "false"
			if variable == "url" && r.hosts[name] == "" {
				r.hosts[name] = hostOf(s.value)
			}
		case s.key == "extensions.partialclone":
			r.partial = true
		case section == "filter" && (s.scope == "local" || s.scope == "worktree"):
			if strings.Contains(name, "=") {
				return fmt.Errorf("the repository configures a filter named %q, which cannot be switched off; remove it from .git/config", name)
			}
			filters[name] = true
		}
	}
	for name := range filters {
		section := "filter."
		if name != "" {
			section += name + "."
		}
		r.git.extra = append(r.git.extra, "-c", section+"clean=", "-c", section+"smudge=", "-c", section+"process=", "-c", section+"required=false")
	}
	if i := slices.Index(r.remotes, "origin"); i > 0 {
		r.remotes[0], r.remotes[i] = r.remotes[i], r.remotes[0]
	}
	return nil
}

// Root returns the absolute path of the top of the working tree.
func (r *Repo) Root() string { return r.root }

// Prefix returns the directory given to Open relative to Root, with slashes;
// empty at the top.
func (r *Repo) Prefix() string { return r.prefix }

// Close ends the git process and removes the temporary checkouts. It may be
// called twice.
func (r *Repo) Close() error {
	r.mu.Lock()
	temp := r.temp
	r.temp, r.closed = nil, true
	r.mu.Unlock()
	r.batch.closeBatch()
	var errs []error
	for _, remove := range temp {
		if err := remove(); err != nil {
			errs = append(errs, fmt.Errorf("remove temporary checkout: %w", err))
		}
	}
	return errors.Join(errs...)
}
