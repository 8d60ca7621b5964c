//go:build unix

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/newcomer"
)

// measureInstall measures how long the README's quick start takes from the line that installs onward to the first finding, in a clean
// directory.
func measureInstall(b *measure.Bench) {
	readme := measure.Must(os.ReadFile("README.md"))
	commands := measure.Must(newcomer.QuickStart(string(readme)))
	commands = commands[:newcomer.FirstFinding(commands)]
	var releases *newcomer.Releases
	if b.Release != "" {
		releases = measure.Must(newcomer.LoadReleases(b.Release, "install.sh"))
	} else {
		releases = measure.Must(newcomer.Build(b, "."))
	}
	stop := measure.Must(newcomer.Serve(b.Dir, releases, b.Network))
	defer stop()
	start := time.Now()
	out, code := newcomer.Run(b, b.Dir, b.Dir, newcomer.Script(commands))
	took := time.Since(start)
	if code != 0 {
		measure.Check(fmt.Errorf("the quick start does not go through: exit code %d: %s", code, out))
	}
	size := len(releases.Files[releases.Latest][newcomer.Archive(releases.Latest)])
	b.Check("install/first-finding", "from the install line to the first finding", took.Seconds(),
		fmt.Sprintf("an archive of %.1f MB at %.1f MB/s", float64(size)/1e6, float64(b.Network)/1e6))
}
