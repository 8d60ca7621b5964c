package jsrun

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Files returns the first of some files of the revision that exists, with its text. name is "" if there is none.
type Files func(candidates ...string) (name, text string)

// Bounds of a run of all programs.
const (
	answerTime   = 20 * time.Second
	wholeTime    = time.Minute
	mostRestarts = 5
)

// childEnvironment is the environment of the child: it has no variable of this process.
var childEnvironment = []string{"TZ=UTC", "GOTRACEBACK=none", "GOMAXPROCS=2"}

// childStarts counts the children of this process.
var childStarts atomic.Int64

// oneRun lets runs follow each other: the second one finds the results of the first one in the cache.
var oneRun sync.Mutex

// Run runs programs of a revision in one child process, and returns the result of each. Results are kept by the
// content of all files that a program asked for. gaps are sentences about what was not confined.
func Run(ctx context.Context, files Files, jobs []Job) (results []Result, gaps []string) {
	oneRun.Lock()
	defer oneRun.Unlock()
	results = make([]Result, len(jobs))
	cache := openResults(jobs)
	texts := &textKeeper{files: files, kept: map[string]foundFile{}}
	r := &runner{files: texts, ends: time.Now().Add(wholeTime)}
	defer r.stopChild()
	for i, j := range jobs {
		key := jobKey(j, texts)
		if cache.find(key, texts, &results[i]) {
			continue
		}
		results[i] = r.runJob(ctx, j)
		for _, q := range r.asked {
			if q.Name != "" && q.Name != j.Path && !slices.Contains(results[i].Imports, q.Name) {
				results[i].Imports = append(results[i].Imports, q.Name)
			}
		}
		if !results[i].Truncated {
			cache.put(key, j.Path, r.asked, results[i])
		}
	}
	cache.save()
	return results, r.gaps
}

// runner runs programs in a child, which it starts again after a program that has ended it.
type runner struct {
	files    *textKeeper
	child    *os.Process
	in       *os.File // what the child writes
	out      *os.File
	lines    *bufio.Scanner
	gaps     []string
	restarts int
	ends     time.Time
	// asked is what the last program asked for.
	asked []question
}

// runJob runs a program.
func (r *runner) runJob(ctx context.Context, j Job) Result {
	r.asked = nil
	if err := ctx.Err(); err != nil {
		return Result{Why: err.Error(), Truncated: true}
	}
	if time.Now().After(r.ends) {
		return Result{Why: "the time for all programs is used up", Truncated: true}
	}
	if r.child == nil {
		if r.restarts > mostRestarts {
			return Result{Why: "too many programs have ended the interpreter", Truncated: true}
		}
		if err := r.startChild(); err != nil {
			r.restarts = mostRestarts + 1
			r.stopChild()
			return Result{Why: "the interpreter does not start: " + shortenText(err.Error()), Truncated: true}
		}
	}
	result, err := r.askChild(j)
	if err == nil {
		return result
	}
	r.restarts++
	code := r.stopChild()
	switch {
	case code == exitMemory:
		return Result{Why: "it takes too much memory"}
	case code == exitTime, errors.Is(err, os.ErrDeadlineExceeded):
		return Result{Why: "it takes too long", Truncated: true}
	}
	return Result{Why: "it has ended the interpreter"}
}

// startChild starts the child.
func (r *runner) startChild() error {
	childIn, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer childIn.Close()
	in, childOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, out.Close())
	}
	defer childOut.Close()
	r.in, r.out = in, out
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	childStarts.Add(1)
	if r.child, err = startProcess(childName, []*os.File{childIn, childOut, null}); err != nil {
		return err
	}
	r.lines = bufio.NewScanner(in)
	r.lines.Buffer(make([]byte, 1<<16), mostAnswer)
	if err := in.SetReadDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	var hello reply
	if err := r.receive(&hello); err != nil {
		return err
	}
	r.gaps = hello.Gaps
	return nil
}

// askChild sends a program to the child, and answers its questions until it has the result.
func (r *runner) askChild(j Job) (Result, error) {
	deadline := time.Now().Add(answerTime)
	if err := errors.Join(r.in.SetReadDeadline(deadline), r.out.SetWriteDeadline(deadline)); err != nil {
		return Result{}, err
	}
	next := request{Job: &j}
	for {
		if err := r.send(next); err != nil {
			return Result{}, err
		}
		var a reply
		if err := r.receive(&a); err != nil {
			return Result{}, err
		}
		if a.Result != nil {
			for i := range a.Result.Calls {
				a.Result.Calls[i].clearEmptyChains()
			}
			return *a.Result, nil
		}
		if len(a.Need) == 0 || len(r.asked) > 20*mostModules {
			return Result{}, errors.New("the child says nothing")
		}
		f := r.files.findIfFilesUnchanged(a.Need...)
		r.asked = append(r.asked, question{a.Need, f.name, f.sum})
		next = request{Name: f.name, Text: f.text}
	}
}

func (r *runner) send(q request) error {
	text, err := json.Marshal(q)
	if err == nil {
		_, err = r.out.Write(append(text, '\n'))
	}
	return err
}

func (r *runner) receive(a *reply) error {
	if !r.lines.Scan() {
		if err := r.lines.Err(); err != nil {
			return err
		}
		return errors.New("the child has ended")
	}
	if err := json.Unmarshal(r.lines.Bytes(), a); err != nil {
		return fmt.Errorf("the child's answer: %w", err)
	}
	return nil
}

// stopChild ends the child, and returns its exit code; -1 if a signal has ended it.
func (r *runner) stopChild() int {
	code := -1
	if r.out != nil {
		_ = r.out.Close() // an idle child ends by that
	}
	if r.child != nil {
		_ = r.child.Kill() // it may have ended
		if state, err := r.child.Wait(); err == nil {
			code = state.ExitCode()
		}
	}
	if r.in != nil {
		_ = r.in.Close()
	}
	r.child, r.in, r.out = nil, nil, nil
	return code
}
