// Command install measures how long the README's quick start takes from the line that installs onward to the first
// finding, on a clean directory, and holds it against the limit.
//
//	go run ./bench/install [-release DIR] [-rate BYTES]
//
// It exits with 0 when the limit is kept, 1 when it is missed, 2 for wrong usage and 3 when it could not measure.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/onward-sql/onward/bench/newcomer"
	"github.com/onward-sql/onward/bench/run"
)

// limit is what a newcomer may wait in all.
const limit = 2 * time.Minute

func main() {
	dir := flag.String("release", "", "`directory` that make snapshot left, dist/release; an onward is built when empty")
	rate := flag.Int("rate", 1_250_000, "`bytes` a second that come over the network: 10 Mbit")
	flag.Parse()
	if flag.NArg() > 0 || *rate < 1 {
		flag.Usage()
		os.Exit(2)
	}
	took, size, err := measureInstall(*dir, *rate)
	run.ExitIf(false, err)
	verdict := "kept"
	if took > limit {
		verdict = "MISSED"
	}
	fmt.Printf("from the install line to the first finding: %.1f s, an archive of %.1f MB at %.1f MB/s; limit %v: %s\n",
		took.Seconds(), float64(size)/1e6, float64(*rate)/1e6, limit, verdict)
	run.ExitIf(took > limit, nil)
}

func measureInstall(dir string, rate int) (took time.Duration, size int, err error) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		return 0, 0, err
	}
	commands, err := newcomer.QuickStart(string(readme))
	if err != nil {
		return 0, 0, err
	}
	commands = commands[:newcomer.FirstFinding(commands)]
	var releases *newcomer.Releases
	if dir != "" {
		releases, err = newcomer.LoadReleases(dir, "install.sh")
	} else {
		releases, err = newcomer.Build(context.Background(), ".")
	}
	if err != nil {
		return 0, 0, err
	}
	home, err := os.MkdirTemp("", "onward-newcomer-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(home)
	stop, err := newcomer.Serve(home, releases, rate)
	if err != nil {
		return 0, 0, err
	}
	defer stop()
	begin := time.Now()
	out, code := newcomer.Run(context.Background(), home, home, newcomer.Script(commands))
	took = time.Since(begin)
	if code != 0 {
		return 0, 0, fmt.Errorf("the quick start does not go through: exit code %d: %s", code, out)
	}
	return took, len(releases.Files[releases.Latest][newcomer.Archive(releases.Latest)]), nil
}
