package newcomer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) {
	code := pgservertest.Main(m)
	_ = os.RemoveAll(builtIn)
	os.Exit(code)
}

const root = "../.."

// taskPages returns the pages whose blocks are run: the README, the tasks that it lists, and the pages of the first day.
func taskPages(t *testing.T) []string {
	t.Helper()
	_, tasks, _ := strings.Cut(readPage(t, "README.md"), "\n## What do you want to do?\n")
	tasks, _, _ = strings.Cut(tasks, "\n## ")
	pages := []string{"README.md", "docs/README.md", "docs/install.md", "docs/init.md"}
	for _, m := range regexp.MustCompile(`\]\((docs/[^)#]+\.md)`).FindAllStringSubmatch(tasks, -1) {
		pages = append(pages, m[1])
	}
	if len(pages) < 12 {
		t.Errorf("the README lists the tasks %v", pages[4:])
	}
	return pages
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPages runs the commands of the pages, in their order, as somebody with a fresh clone and a fresh home. The commands have to end with
// the exit codes that their comments tell, and to print the text that follows them.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, page := range taskPages(t) {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			blocks, err := ParseBlocks(readPage(t, page))
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range blocks {
				if err := b.Check(); err != nil {
					t.Errorf("%s has a wrong code block: %v", page, err)
				}
			}
			if !t.Failed() && slices.ContainsFunc(blocks, func(b Block) bool { return b.IsShell() && b.Mark == "" }) {
				newReader(t, page).follow(blocks)
			}
		})
	}
}

// reader is somebody who follows a page.
type reader struct {
	*testing.T
	Session
	page    string
	oldCode *pgx.Conn // a session of the deployed release, v1
}

// newReader has a fresh home. The README and the page about installing are read in a clone, the others in a project:
// testdata/pages/NAME.txtar has its files, and begins with the commands that make it a repository.
func newReader(t *testing.T, page string) *reader {
	t.Helper()
	r := &reader{T: t, page: page, Session: Session{Home: t.TempDir()}}
	r.Env = []string{
		"ONWARD_TEST_CACHE=" + pgservertest.ToolsDir(t), "ONWARD_POSTGRES=" + os.Getenv("ONWARD_POSTGRES"), "CGO_ENABLED=0",
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
	}
	goEnv := strings.Fields("GOCACHE GOMODCACHE GOPROXY GOSUMDB GONOSUMDB GONOPROXY GOPRIVATE GOTOOLCHAIN GOFLAGS")
	values, err := exec.CommandContext(t.Context(), "go", append([]string{"env"}, goEnv...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range strings.Split(strings.TrimSuffix(string(values), "\n"), "\n") {
		r.Env = append(r.Env, goEnv[i]+"="+value)
	}
	r.shareServers()
	if page == "README.md" || page == "docs/install.md" {
		r.Dir = filepath.Join(r.Home, "onward")
		cloneWorkingTree(t, r.Dir)
		return r
	}
	program, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	r.Env = append(r.Env, "PATH="+filepath.Join(r.Home, "bin")+":"+filepath.Dir(program)+":"+os.Getenv("PATH"))
	r.Dir = filepath.Join(r.Home, "project")
	name := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(page, "docs/"), ".md"), "/", "-")
	project, err := txtar.ParseFile(filepath.Join("testdata/pages", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range project.Files {
		r.write(f.Name, string(f.Data))
	}
	if strings.Contains(readPage(t, page), "DATABASE_URL") {
		url := pgservertest.Database(t, onward.NewestMajor)
		r.Env = append(r.Env, "DATABASE_URL="+url)
		settings, err := pgx.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		settings.RuntimeParams["application_name"] = "shop v1"
		if r.oldCode, err = pgx.ConnectConfig(t.Context(), settings); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.oldCode.Close(t.Context()) })
	}
	r.run(string(project.Comment))
	return r
}

// shareServers lets the fresh home have the Postgres servers that were downloaded before.
func (r *reader) shareServers() {
	r.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		r.Fatal(err)
	}
	for _, part := range []string{"onward/postgres", "onward/template"} {
		if _, err := os.Stat(filepath.Join(cache, part)); err != nil {
			continue // root's are elsewhere
		}
		link := filepath.Join(r.Home, ".cache", part)
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(filepath.Join(cache, part), link)); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *reader) write(name, text string) {
	r.Helper()
	path := filepath.Join(r.Dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
		r.Fatal(err)
	}
}

// run runs the text of a block, and returns the output.
func (r *reader) run(text string) string {
	r.Helper()
	commands, err := ParseCommands(text)
	if err != nil {
		r.Fatal(err)
	}
	out, code := r.Session.Run(r.Context(), commands)
	if code != 0 {
		r.Fatalf("%s: exit code %d:\n%s", r.page, code, out)
	}
	return out
}

// follow writes the files of a page, runs its commands, and compares their output.
func (r *reader) follow(blocks []Block) {
	r.Helper()
	out := ""
	for _, b := range blocks {
		switch {
		case b.IsShell() && b.Mark == "":
			if r.oldCode != nil && strings.Contains(b.Text, "onward contract") {
				_ = r.oldCode.Close(r.Context()) // the deploy is over
			}
			out = r.run(b.Text)
		case b.Mark == synopsis:
			r.checkSynopsis(b)
		case b.Language == "text" && b.Mark == "":
			if line := missingLine(out, b.Text); line != "" {
				r.Errorf("%s:%d: the commands do not print %q there:\n%s", r.page, b.Line, line, out)
			}
		case b.File != "":
			r.write(b.File, b.Text)
		}
	}
}

// missingLine returns the first line of a text that an output has not, after the lines before it; "" if it has all.
func missingLine(out, text string) string {
	lines := strings.Split(out, "\n")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, line) })
		if i < 0 {
			return line
		}
		lines = lines[i:]
		if line != "" {
			lines = lines[1:]
		}
	}
	return ""
}

// checkSynopsis holds that the commands of a list exist, and have the named flags.
func (r *reader) checkSynopsis(b Block) {
	r.Helper()
	program, err := builtProgram()
	if err != nil {
		r.Fatal(err)
	}
	flag := regexp.MustCompile(` (--[a-z-]+)`)
	for line := range strings.Lines(b.Text) {
		line, _, _ = strings.Cut(line, "#")
		line, _, _ = strings.Cut(line, " -- ") // a command of somebody else
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "onward" {
			r.Errorf("%s:%d: no command of onward: %s", r.page, b.Line, line)
			continue
		}
		help, err := exec.CommandContext(r.Context(), program, words[1], "--help").CombinedOutput()
		if err != nil {
			r.Errorf("%s:%d: onward %s: %v", r.page, b.Line, words[1], err)
		}
		for _, m := range flag.FindAllStringSubmatch(line, -1) {
			if !regexp.MustCompile(m[1] + `\b`).Match(help) {
				r.Errorf("%s:%d: onward %s has no flag %s", r.page, b.Line, words[1], m[1])
			}
		}
	}
}

// builtIn is the directory of what builtProgram builds.
var builtIn string

// builtProgram builds onward once for all pages but those that build it themselves.
var builtProgram = sync.OnceValues(func() (program string, err error) {
	if builtIn, err = os.MkdirTemp("", "onward-pages-"); err != nil {
		return "", err
	}
	program = filepath.Join(builtIn, "onward")
	return program, buildProgram(context.Background(), root, program)
})

// cloneWorkingTree clones the repository of this test, and copies what is not committed.
func cloneWorkingTree(t *testing.T, to string) {
	t.Helper()
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	git("clone", "-q", "--no-checkout", "--shared", root, to)
	for _, name := range strings.Split(git("-C", root, "ls-files", "-z", "-c", "-o", "--exclude-standard", "--deduplicate"), "\x00") {
		info, err := os.Stat(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) || name == "" || info.IsDir() {
			continue // deleted, or a repository within
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, info.Mode().Perm())); err != nil {
			t.Fatal(err)
		}
	}
	git("-C", to, "reset", "-q")
}
