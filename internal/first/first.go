// Package first is onward init: it reads the files of a repository, and derives an onward.yaml and the files for
// the pipeline of its forge. It asks nothing, runs no code of the repository, and writes no file, except that
// [WriteHook] writes the setting of a coding assistant.
package first

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/onward"
)

// Found has the facts that a repository's files show, such as its migrations and its Postgres versions.
type Found struct {
	// Root is the repository's root, an absolute path.
	Root string
	// Migrations are the directories of migrations; LeftOut are those that only look like it.
	Migrations []audit.Detected
	LeftOut    []onward.Opaque
	// Unread are directories of tools without an adapter.
	Unread []adapter.Unread
	// Postgres are the major versions in production, ascending, and PostgresBy the file that names
	// the oldest. They are empty if no file does.
	Postgres   []int
	PostgresBy string
	// Remote is the most likely remote, and Host the host in its address; "" if there is none. Fetched reports whether this clone
	// has branches of it.
	Remote, Host string
	Fetched      bool
	// Base is the default branch, "" if there is none. BaseIsRemote is set if it is the remote's. BaseBy is
	// the file of another linter that names it.
	Base         string
	BaseIsRemote bool
	BaseBy       string
	// Forges are the forges whose pipelines may run onward.
	Forges []Forge
	// Linters has the settings of other linters.
	Linters *linters.Settings

	python python
}

// ReadRepository reads the repository of a directory.
//
// Errors: git's errors for the repository, and a [*audit.NotFoundError] if it has no migrations of
// any tool.
func ReadRepository(ctx context.Context, dir string) (*Found, error) {
	repo, err := gitrange.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	head, err := repo.Head(ctx, "")
	if err != nil {
		return nil, err
	}
	tree := gittree.Of(head)
	f := &Found{Root: repo.Root(), Linters: linters.Read(tree), Host: repo.Host()}
	f.Forges = detectForges(tree.Paths(), f.Host)
	f.Migrations, f.LeftOut, err = audit.Detect(ctx, tree)
	var none *audit.NotFoundError
	switch {
	case errors.As(err, &none) && len(none.Unread) > 0:
		f.Unread = none.Unread
	case err != nil:
		return nil, err
	default:
		f.Unread = slices.DeleteFunc(adapter.OmitForeign(adapter.UnreadIn(tree), f.LeftOut), func(u adapter.Unread) bool {
			return slices.ContainsFunc(f.Migrations, func(m audit.Detected) bool { return m.Dir == u.Dir })
		})
	}
	f.setVersions(adapter.OldestPostgres(tree))
	f.findPython(tree)
	var unknown *gitrange.NoBaseError
	if f.Remote, f.Fetched, err = repo.Remote(ctx); err != nil {
		return nil, err
	}
	if f.Base, f.BaseIsRemote, err = repo.Default(ctx); err != nil && !errors.As(err, &unknown) {
		return nil, err
	}
	if l := f.Linters; l.Base != "" {
		if _, err := repo.Base(ctx, l.Base); err != nil {
			l.Refute("base: "+l.Base, "there is no such revision here, or none in common with it")
		} else {
			f.Base, f.BaseBy = l.Base, l.BaseBy
		}
	}
	return f, nil
}

// setVersions takes the versions from another linter's settings, else from the oldest version that the
// repository's containers and pipelines name.
func (f *Found) setVersions(oldest adapter.Oldest) {
	switch supported := config.Default().Versions(); {
	case f.Linters.Postgres != 0:
		f.Postgres, f.PostgresBy = []int{f.Linters.Postgres}, f.Linters.PostgresBy
	case oldest.Major >= onward.OldestMajor && oldest.Major <= onward.PreviewMajor:
		f.Postgres, f.PostgresBy = oldest.Since(supported), oldest.Path
	}
}

// readableDirs returns the directories whose migrations can be read without running code, relative to the
// root.
func (f *Found) readableDirs() []string {
	var out []string
	for _, m := range f.Migrations {
		if !m.Renders {
			out = append(out, dirOf(m))
		}
	}
	return out
}

func dirOf(m audit.Detected) string {
	if m.Dir == "" {
		return "."
	}
	return m.Dir
}

// History judges all existing migrations, as one release, and names their directories: a baseline
// would leave out these findings. It is nil if none can be read without running code.
//
// Errors: as for [audit.Check].
func (f *Found) History(ctx context.Context, settings *config.Config) (*onward.Report, []string, error) {
	dirs := f.readableDirs()
	if len(dirs) == 0 {
		return nil, nil, nil
	}
	c := *settings
	c.Baseline = ""
	r, err := audit.Check(ctx, audit.CheckConfig{Dir: f.Root, Paths: dirs, Settings: &c, Brief: true})
	return r, dirs, err
}

// Forge hosts a repository; its pipelines have a format of their own.
type Forge string

// The forges whose pipelines are known.
const (
	GitHub Forge = "GitHub"
	GitLab Forge = "GitLab"
)

// detectForges detects them from files and from the remote's host. If there are files of both, the host
// decides.
func detectForges(paths []string, host string) []Forge {
	var out []Forge
	for _, forge := range []Forge{GitHub, GitLab} {
		switch {
		case strings.Contains(host, strings.ToLower(string(forge))):
			return []Forge{forge}
		case slices.ContainsFunc(paths, func(p string) bool {
			return forge == GitHub && strings.HasPrefix(p, ".github/") || forge == GitLab && p == ".gitlab-ci.yml"
		}):
			out = append(out, forge)
		}
	}
	return out
}

// File is a file of a pipeline and its text.
type File struct {
	Path, Text string
	// Whole is set if the text is the whole file; otherwise it is a part of a file that may exist.
	Whole bool
}

// Pipeline returns the files for the pipeline of a forge. ref pins onward: a release, such as v1.2.3, or the whole id of a commit; "" if
// neither is known.
func (f *Found) Pipeline(forge Forge, ref string) []File {
	switch forge {
	case GitHub:
		branch := "main"
		if slash := strings.LastIndexByte(f.Base, '/'); plain.MatchString(f.Base[slash+1:]) && f.BaseBy == "" {
			branch = f.Base[slash+1:]
		}
		if ref == "" {
			ref = "main # name a commit here: this onward does not know its own"
		}
		return []File{
			{".github/workflows/onward.yml", fmt.Sprintf(githubJudge, branch, f.installSteps(), ref), true},
			{".github/workflows/onward-comment.yml", fmt.Sprintf(githubComment, ref), true},
			{".github/workflows/onward-stats.yml", fmt.Sprintf(githubStats, ref), true},
		}
	case GitLab:
		if ref == "" {
			ref = "COMMIT"
		}
		text := fmt.Sprintf(gitlab, ref)
		text += "variables:\n"
		if !strings.HasPrefix(ref, "v") { // the template of a release has its version
			text += fmt.Sprintf(gitlabVersion, ref)
		}
		text += gitlabTrust
		return []File{{".gitlab-ci.yml", text + f.installScript(), false}}
	}
	return nil
}

// githubJudge runs the branch's code if the framework needs it, so its token can only read, and no step after the checkout has it.
const githubJudge = `# Judges what a branch does to the database. onward-comment.yml writes the comment: no job has both the branch's code and a
# token that may write.
name: onward
on:
  pull_request:
  merge_group:
  push: { branches: [%s] }
permissions: { contents: read }
jobs:
  onward:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09 # v5.1.0
        with: { fetch-depth: 0, persist-credentials: false }
%s      - uses: onward-sql/onward@%s
        with: { trust: base }
`

// githubComment runs on the default branch and runs nothing from the branch that was judged.
const githubComment = `# Keeps one comment on a pull request up to date. It runs on the default branch, checks out nothing, and trusts nothing
# that the judged branch could have written.
name: onward comment
on:
  workflow_run: { workflows: [onward], types: [completed] }
permissions: {}
jobs:
  comment:
    if: github.event.workflow_run.event == 'pull_request'
    runs-on: ubuntu-latest
    permissions: { actions: read, pull-requests: write }
    steps:
      - uses: onward-sql/onward/ci/comment@%s
`

// githubStats runs on the default branch and checks out nothing.
const githubStats = `# Reads each night how big the tables are: then onward says how long a statement takes, and leaves small tables alone.
# It needs the secret ONWARD_STATS_URL, the address of the database or of a replica, and a runner that reaches it. The role
# needs to connect, nothing more. Without the secret it reads nothing.
name: onward stats
on:
  schedule: [{ cron: "23 3 * * *" }]
  workflow_dispatch:
permissions: {}
jobs:
  stats:
    runs-on: ubuntu-latest
    steps:
      - uses: onward-sql/onward/ci/stats@%s
        with: { address: "${{ secrets.ONWARD_STATS_URL }}" }
`

// gitlab uses the template in ci/.
const gitlab = `include:
  - remote: https://raw.githubusercontent.com/onward-sql/onward/%s/ci/onward.gitlab-ci.yml
`

// gitlabVersion names the commit that the template builds, once, and caches.
const gitlabVersion = `  ONWARD_VERSION: %s # a commit of onward: it is built once, and cached
`

// gitlabTrust makes the settings of the deployed revision count.
const gitlabTrust = `  ONWARD_TRUST: base # a branch does not weaken its own check
`
