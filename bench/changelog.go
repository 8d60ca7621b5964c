//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
)

// gitGrepCommand returns the command that looks for a word that no schema has, so that git prints next to nothing.
func gitGrepCommand(repo, revision string) cost.Command {
	return cost.Command{
		Name: "git grep", Path: "/bin/sh", Args: []string{"-c", `exec git grep -w perihelion "$0"`, revision}, Dir: repo, Fine: []int{0, 1},
	}
}

// measureChangelog measures onward changelog on a release of a real repository beside one git grep -w over the tree of its base.
func measureChangelog(b *measure.Bench) {
	if b.Repo == "" || b.Base == "" || b.Head == "" {
		measure.Check(errors.New("name a clone and its release: -repo, -base and -head"))
	}
	changelog := func(cache string) cost.Command {
		return cost.Command{
			Name: "onward, " + cache, Path: b.Program(), Args: []string{"changelog", "--base", b.Base, "--head", b.Head}, Dir: measure.Must(filepath.Abs(b.Repo)),
			Env: []string{"XDG_CACHE_HOME=" + filepath.Join(b.Dir, cache)}, Fine: []int{0, 1, 3}, // 3: something could not be judged, and is reported
		}
	}
	cold := changelog("cold")
	cold.Before = func() error { return os.RemoveAll(filepath.Join(b.Dir, "cold")) }
	costs := measure.Must(cost.InTurn(b, b.Rounds, gitGrepCommand(cold.Dir, b.Base), cold, changelog("warm")))
	if costs[0].CPU == 0 {
		measure.Check(errors.New("git grep took no time that can be measured: the repository is too small"))
	}
	b.Print("git grep -w", costs[0].String())
	for i, name := range []string{"cold", "warm"} {
		u := costs[i+1]
		b.Check("changelog/"+name,
			fmt.Sprintf("onward changelog %s..%s, %s: CPU, beside git grep", b.Base, b.Head, name),
			float64(u.CPU)/float64(costs[0].CPU), u.String())
		b.Check("changelog/memory", "the same: memory", u.Megabytes())
	}
}
