// Package component names what a machine may lack for some of the tests, and what a test does without it. It is test
// support.
//
// ONWARD_REQUIRE tells what must be there. Unset, a test skips if something is missing. "1" requires what
// scripts/setup.sh installs if no tool is named; "1,node,chromium" requires those tools, too; "all" requires every tool.
// ONWARD_LEAVE_OUT=node,chromium leaves tools out, even if they are installed. Package run lists the tests that were
// left out.
package component

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Component is something that some tests need.
type Component struct {
	Name string
	// Use names the tests that need it. Get says how to install it.
	Use, Get string
	// Turn is the run of .ci/run, from 1 to Turns, that uses it. It is 0 for a component that is no tool.
	Turn int
}

// Turns is the number of runs of .ci/run that together take every tool.
const Turns = 4

// The components. scripts/setup.sh installs each tool by its name.
var (
	// setup is what scripts/setup.sh installs if no tool is named.
	setup = Component{Name: "setup", Use: "servers and Python environments", Get: "make setup"}

	Chromium  = Component{Name: "chromium", Use: "pages in a browser", Turn: 1}
	Neovim    = Component{Name: "neovim", Use: "the language server in an editor", Turn: 1}
	VSCode    = Component{Name: "vscode", Use: "the extension in VS Code", Turn: 1}
	Packaged  = Component{Name: "packaged", Use: "live commands on a distribution's Postgres with its defaults", Turn: 1}
	Compiler  = Component{Name: "compiler", Use: "the server's confinement against machine code", Turn: 1}
	Bwrap     = Component{Name: "bwrap", Use: "the sandbox where only bubblewrap may make namespaces", Turn: 2}
	Node      = Component{Name: "node", Use: "migration tools and drivers of Node.js", Turn: 2}
	PgBouncer = Component{Name: "pgbouncer", Use: "servers behind a pooler", Turn: 2}
	Java      = Component{Name: "java", Use: "migration tools of the JVM", Turn: 3}
	PHP       = Component{Name: "php", Use: "migration tools of PHP", Turn: 3}
	Ruby      = Component{Name: "ruby", Use: "migration tools of Ruby", Turn: 3}
	Psql      = Component{Name: "psql", Use: "psql, pg_dump and pg_restore", Turn: 4}
	Sqitch    = Component{Name: "sqitch", Use: "a migration tool that runs psql", Turn: 4}
	Rust      = Component{Name: "rust", Use: "migration tools of Rust", Turn: 4}
	Pythons   = Component{Name: "pythons", Use: "frameworks that need another version of Python", Turn: 4}
	Manifests = Component{Name: "manifests", Use: "the chart and the manifests of deploy/, with Helm and the schemas of Kubernetes", Turn: 3}
	// Postgres19 is onward.PreviewMajor, which has no download yet.
	Postgres19 = Component{Name: "postgres19", Use: "a server of Postgres 19", Turn: 4}

	Root   = Component{Name: "root", Use: "full disks", Get: "run the tests as root"}
	User   = Component{Name: "user", Use: "directories that cannot be read", Get: "run the tests as an ordinary user"}
	System = Component{Name: "system", Use: "the sandbox and other parts of a system", Get: "Linux from 6.12 on, on amd64 or arm64, with wget"}
	// Version leaves tests out that ONWARD_TEST_SERVER runs on one server.
	Version = Component{Name: "version", Use: "another version than the packaged server's", Get: "make test"}
	// ByHand are tests that only another command runs.
	ByHand = Component{Name: "by-hand", Use: "measurements and corpora", Get: "CONTRIBUTING.md names their commands"}
)

// ListAll returns the components, tools first.
func ListAll() []Component {
	return []Component{setup, Chromium, Neovim, VSCode, Compiler, Bwrap, Node, PgBouncer, Packaged, Java, PHP,
		Ruby, Psql, Sqitch, Rust, Pythons, Postgres19, Manifests, Root, User, System, Version, ByHand}
}

// Mark begins the message of a test that is left out; the component's name and a colon follow.
const Mark = "left out: "

// Need leaves a test out if its component is missing, as err says, or is not taken in this run. If the component is
// required, the test fails.
func Need(t testing.TB, c Component, err error) {
	t.Helper()
	if c.Turn > 0 && slices.Contains(strings.Split(os.Getenv("ONWARD_LEAVE_OUT"), ","), c.Name) {
		t.Skipf("%s%s: ONWARD_LEAVE_OUT names it", Mark, c.Name)
	}
	if err == nil {
		return
	}
	if c.IsRequired() {
		t.Fatalf("%s is required, and %v: %s", c.Name, err, c.HowToGet())
	}
	t.Skipf("%s%s: %v: %s", Mark, c.Name, err, c.HowToGet())
}

// NeedSetup is Need for what scripts/setup.sh installs if no tool is named.
func NeedSetup(t testing.TB, err error) {
	t.Helper()
	Need(t, setup, err)
}

// NeedProgram returns the path of a program of a component.
func NeedProgram(t testing.TB, c Component, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	Need(t, c, err)
	return path
}

// IsRequired reports whether ONWARD_REQUIRE names the component.
func (c Component) IsRequired() bool {
	required := strings.Split(os.Getenv("ONWARD_REQUIRE"), ",")
	switch {
	case required[0] == "":
		return false
	case c.Name == setup.Name:
		return true
	case c.Turn == 0:
		return false
	}
	return slices.Contains(required, "all") || slices.Contains(required, c.Name)
}

// HowToGet is how to have the component.
func (c Component) HowToGet() string {
	if c.Turn > 0 {
		return "scripts/setup.sh " + c.Name
	}
	return c.Get
}
