package first

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// python says how to install a project whose own code renders its SQL. The zero value is a repository without one.
type python struct {
	// dir is the directory of the project from the root, "." for the root.
	dir string
	// versionFile is the file with the version of Python, "" if there is none.
	versionFile string
	// commands install the project's packages into an active virtualenv in dir; none if no file lists them.
	commands []string
}

// safePath matches the paths that can be used in a pipeline unchanged: they have no expression or command.
var safePath = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_./-]*$`)

// packageFiles are files that list a project's packages, with the command that installs them. The first existing one
// is used.
var packageFiles = []struct{ file, tool, command string }{
	{"uv.lock", "uv", "uv sync --inexact"},
	{"poetry.lock", "poetry", "poetry install --no-interaction"},
	{"pdm.lock", "pdm", "pdm sync"},
	{"Pipfile.lock", "pipenv", "pipenv sync --dev"},
	{"Pipfile", "pipenv", "pipenv install --dev --skip-lock"},
	{"requirements.txt", "", "python -m pip install -r %s"},
	{"requirements/base.txt", "", "python -m pip install -r %s"},
	{"requirements/common.txt", "", "python -m pip install -r %s"},
	{"requirements/local.txt", "", "python -m pip install -r %s"},
	{"requirements/dev.txt", "", "python -m pip install -r %s"},
	{"requirements/production.txt", "", "python -m pip install -r %s"},
	{"requirements/prod.txt", "", "python -m pip install -r %s"},
	{"pyproject.toml", "", "python -m pip install %s"},
	{"setup.py", "", "python -m pip install %s"},
}

// findPython finds out how to install the first project that renders its migrations: from the files in its directory,
// else from those in the directories above.
func (f *Found) findPython(tree adapter.Tree) {
	paths := tree.Paths()
	hasFile := func(p string) bool { _, found := slices.BinarySearch(paths, p); return found }
	index := slices.IndexFunc(f.Migrations, func(m audit.Detected) bool { return m.Renders })
	if index < 0 || !safePath.MatchString(dirOf(f.Migrations[index])) && dirOf(f.Migrations[index]) != "." {
		return
	}
	f.python.dir = dirOf(f.Migrations[index])
	for dir := f.python.dir; ; dir = path.Dir(dir) {
		for _, file := range []string{".python-version", "pyproject.toml"} {
			if p := path.Join(dir, file); f.python.versionFile == "" && hasFile(p) && hasPythonVersion(tree, p) {
				f.python.versionFile = p
			}
		}
		if f.python.commands == nil {
			f.python.addInstallCommands(dir, hasFile)
		}
		if dir == "." {
			return
		}
	}
}

// hasPythonVersion reports whether a file has the version of Python.
func hasPythonVersion(tree adapter.Tree, file string) bool {
	text, err := tree.Read(file)
	return err == nil && (path.Base(file) != "pyproject.toml" || configfile.RequiredPython(string(text)) != "")
}

// addInstallCommands records the commands for the files of a directory, which is the project's or one above it.
func (p *python) addInstallCommands(dir string, hasFile func(string) bool) {
	for _, f := range packageFiles {
		if !hasFile(path.Join(dir, f.file)) {
			continue
		}
		up := "./"
		if dir != p.dir {
			depth := strings.Count(p.dir, "/") + 1
			if dir != "." {
				depth -= strings.Count(dir, "/") + 1
			}
			up = strings.Repeat("../", depth)
		}
		switch {
		case f.tool != "" && up == "./":
			p.commands = []string{"python -m pip install " + f.tool, f.command}
		case f.tool != "":
			p.commands = []string{"python -m pip install " + f.tool, "(cd " + up + " && " + f.command + ")"}
		case strings.HasSuffix(f.file, ".txt"):
			p.commands = []string{fmt.Sprintf(f.command, strings.TrimPrefix(up, "./")+f.file)}
		default:
			p.commands = []string{fmt.Sprintf(f.command, up)}
		}
		return
	}
}

// installCommands installs the project into the virtualenv .venv of its directory, where onward looks for it.
func (p *python) installCommands() []string {
	commands := p.commands
	if commands == nil {
		commands = []string{"echo 'no file lists the packages of the project: install them here' && exit 1"}
	}
	return append([]string{"python3 -m venv .venv", ". .venv/bin/activate"}, commands...)
}

// installSteps are the steps of a GitHub workflow that set up Python and install the project, "" if its migrations need none.
func (f *Found) installSteps() string {
	p := &f.python
	if p.dir == "" {
		return ""
	}
	version := `python-version: "3.x"`
	if safePath.MatchString(strings.TrimPrefix(p.versionFile, ".")) {
		version = "python-version-file: " + p.versionFile
	}
	var b strings.Builder
	fmt.Fprintf(&b, "      # The migrations' SQL comes from the project's own code, in the project's own interpreter.\n")
	fmt.Fprintf(&b, "      - uses: actions/setup-python@ece7cb06caefa5fff74198d8649806c4678c61a1 # v6.3.0\n        with: { %s }\n", version)
	fmt.Fprintf(&b, "      - name: install the project\n        working-directory: %s\n        run: |\n", p.dir)
	for _, line := range p.installCommands() {
		fmt.Fprintf(&b, "          %s\n", line)
	}
	return b.String()
}

// installScript is the part of a GitLab job that does the same, "" if the migrations need none.
func (f *Found) installScript() string {
	p := &f.python
	if p.dir == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString("# The migrations' SQL comes from the project's own code, in the project's own interpreter.\nonward:\n" +
		"  image: python:3 # to pin it: python:3@sha256:DIGEST, which `docker buildx imagetools inspect python:3` prints\n" +
		"  before_script:\n    - |\n")
	if p.dir != "." {
		fmt.Fprintf(&b, "      cd %s\n", p.dir)
	}
	for _, line := range p.installCommands() {
		fmt.Fprintf(&b, "      %s\n", line)
	}
	b.WriteString("      deactivate\n      cd \"$CI_PROJECT_DIR\"\n    - !reference [.onward, before_script]\n")
	return b.String()
}
