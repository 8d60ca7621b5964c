//go:build unix

// Command profile writes cmd/onward/default.pgo: how often each place of the program runs. The compiler of Go reads it when it
// builds the program, and inlines what runs often (https://go.dev/doc/pgo). It takes a tenth of the CPU time of a check.
//
//	go run -trimpath ./bench/profile [-repo DIR -base REVISION -head REVISION]
//
// It runs `onward check` on generated files, and `onward changelog` on the release of a repository if one is named: with an empty
// cache, and with a full one. A profile fits the code for long; write it again after larger changes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"

	"github.com/onward-sql/onward/internal/cli"
)

// recorded names the file for the profile of a run, in the environment of this program when it is onward.
const recorded = "ONWARD_RECORDED_PROFILE"

// job is a command of onward that is profiled.
type job struct {
	args, env []string
	dir       string
}

func main() {
	if file := os.Getenv(recorded); file != "" {
		os.Exit(runProfiled(file))
	}
	out := flag.String("out", filepath.Join("cmd", "onward", "default.pgo"), "the `file` to write")
	repo := flag.String("repo", "", "a `directory` with a clone")
	base := flag.String("base", "", "the deployed `revision`")
	head := flag.String("head", "", "the `revision` to deploy")
	files := flag.Int("files", 5000, "generated files")
	rounds := flag.Int("rounds", 10, "runs of each job")
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 || *files < 1 || *repo != "" && (*base == "" || *head == "") {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var jobs []job
	if *repo != "" {
		args := []string{"changelog", "--base", *base, "--head", *head}
		jobs = []job{
			{args: args, dir: *repo, env: []string{"XDG_CACHE_HOME=" + os.DevNull}}, // nothing is kept there
			{args: args, dir: *repo},
		}
	}
	if err := writeProfile(ctx, *files, *rounds, jobs, *out); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(3)
	}
}

// runProfiled runs onward with a profile of its CPU time.
func runProfiled(file string) int {
	f, err := os.Create(file)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		return 3
	}
	code := cli.Main()
	pprof.StopCPUProfile()
	if f.Close() != nil {
		return 3
	}
	return code
}

// writeProfile runs a check of generated files and the jobs in turn, and merges their profiles into one file.
func writeProfile(ctx context.Context, files, rounds int, jobs []job, out string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "onward-profile")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	corpus := exec.CommandContext(ctx, "go", "run", "./bench/corpus", "-files", strconv.Itoa(files), "-out", filepath.Join(temporary, "corpus"))
	if text, err := corpus.CombinedOutput(); err != nil {
		return fmt.Errorf("generate files: %w\n%s", err, text)
	}
	jobs = append(jobs, job{args: []string{"check", "corpus"}, dir: temporary})
	merge := []string{"tool", "pprof", "-proto", "-output", out}
	for round := range rounds {
		for i, j := range jobs {
			file := filepath.Join(temporary, fmt.Sprintf("%d-%d.pprof", i, round))
			cmd := exec.CommandContext(ctx, executable, j.args...)
			cmd.Dir, cmd.Env = j.dir, append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(temporary, "cache"), recorded+"="+file)
			cmd.Env = append(cmd.Env, j.env...)
			var exit *exec.ExitError
			if err := cmd.Run(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() == 2) {
				return fmt.Errorf("onward %v: %w", j.args, err)
			}
			merge = append(merge, file)
		}
	}
	if text, err := exec.CommandContext(ctx, "go", merge...).CombinedOutput(); err != nil {
		return fmt.Errorf("merge the profiles: %w\n%s", err, text)
	}
	return nil
}
