package jsrun

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/parser"
)

//go:embed prelude.js
var prelude string

// compilePrelude compiles the prelude once for all programs of the child.
var compilePrelude = sync.OnceValues(func() (*sobek.Program, error) { return sobek.Compile("prelude.js", prelude, true) })

// Bounds of a program. A path is one run of it, with one answer to each condition on an unknown value.
const (
	mostPaths     = 200
	mostDecisions = 24
	mostCalls     = 5000
	mostFrames    = 1500
	pathTime      = time.Second
	programTime   = 2 * time.Second
)

// execution runs one bundle as often as it has paths.
type execution struct {
	job     Job
	read    fileReader
	prelude *sobek.Program
	bundle  *sobek.Program
	paths   int
	// until is when its processor time is used up, by [readClock].
	until time.Duration
}

// executeJob bundles a program, runs it and returns what it calls.
func executeJob(j Job, read fileReader) Result {
	text, err := bundleProgram(j.Path, read)
	if err != nil {
		return Result{Why: "it is not bundled: " + err.Error()}
	}
	e := &execution{job: j, read: read, until: readClock() + programTime}
	noFile := parser.WithSourceMapLoader(func(string) ([]byte, error) { return nil, errors.New("it is in no file") })
	tree, err := parser.ParseFile(nil, "/bundle.js", text, 0, noFile)
	if err != nil {
		return Result{Why: "it is not parsed: " + shorten(err.Error())}
	}
	rewriteProgram(tree)
	if e.bundle, err = sobek.CompileAST(tree, false); err == nil {
		e.prelude, err = compilePrelude()
	}
	if err != nil {
		return Result{Why: "it is not compiled: " + shorten(err.Error())}
	}
	calls, err := e.explore(nil)
	if err != nil {
		return Result{Why: shorten(err.Error())}
	}
	if n := len(calls); n > 0 && calls[n-1].thrown {
		return Result{Why: calls[n-1].Unread}
	}
	return Result{Calls: calls}
}

func shorten(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), 200)]
}

// timeoutError says that a program took too long. abortError says that it did something that cannot be followed.
type (
	timeoutError struct{}
	abortError   struct{ why string }
)

func (*timeoutError) Error() string { return "it takes too long" }
func (e *abortError) Error() string { return e.why }

// decision is a condition on an unknown value. needs is the question whose answer the value is; its kind is "" for
// none.
type decision struct {
	answer bool
	needs  Value
	line   int
}

// programRun is what one run did.
type programRun struct {
	execution *execution
	answers   []bool
	decisions []decision
	calls     []Call
	last      Place
	vm        *sobek.Runtime
}

// runPath runs the program with the given answers to its first conditions; the answer to each further one is yes.
func (e *execution) runPath(answers []bool) (*programRun, error) {
	if e.paths++; e.paths > mostPaths {
		return nil, &abortError{"it has too many conditions on unknown values"}
	}
	vm := sobek.New()
	vm.SetMaxCallStackSize(mostFrames)
	vm.SetFieldNameMapper(sobek.TagFieldNameMapper("json", true))
	vm.SetParserOptions(parser.WithDisableSourceMaps)
	p := &programRun{execution: e, answers: answers, vm: vm}
	defer limitTime(vm, min(readClock()+pathTime, e.until))()
	err := p.runProgram()
	var interrupted *sobek.InterruptedError
	if errors.As(err, &interrupted) {
		err, _ = interrupted.Value().(error)
	}
	var deep *sobek.StackOverflowError
	if errors.As(err, &deep) {
		err = &abortError{"its calls are nested too deep"}
	}
	var timeout *timeoutError
	var aborted *abortError
	switch {
	case errors.As(err, &timeout):
		return nil, err
	case errors.As(err, &aborted):
		p.calls = append(p.calls, Call{Place: p.last, Name: "up", Unread: aborted.why, decisions: len(p.decisions)})
	case err != nil:
		why := "it ends with an error: " + shorten(err.Error())
		p.calls = append(p.calls, Call{Place: p.last, Name: "up", Unread: why, decisions: len(p.decisions), thrown: true})
	}
	return p, nil
}

// limitTime interrupts a program when the clock of the process is beyond a time. The returned function ends that.
func limitTime(vm *sobek.Runtime, until time.Duration) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				if readClock() > until {
					vm.Interrupt(&timeoutError{})
					return
				}
			}
		}
	}()
	return func() { close(done) }
}

// runProgram loads the program and runs its function "up".
func (p *programRun) runProgram() error {
	vm, e := p.vm, p.execution
	client := sobek.Null()
	if e.job.Client != "" {
		client = vm.ToValue(e.job.Client)
	}
	made, err := vm.RunProgram(e.prelude)
	if err != nil {
		return err
	}
	enter, _ := sobek.AssertFunction(made)
	host := vm.NewObject()
	for name, f := range map[string]any{
		"place": p.findPlace, "send": p.addCall, "abort": p.abort, "choose": p.choose, "read": p.readFile,
	} {
		if err := host.Set(name, f); err != nil {
			return err
		}
	}
	world, err := enter(sobek.Undefined(), host, vm.ToValue("knex"), client)
	if err != nil {
		return err
	}
	module := vm.NewObject()
	exports := vm.NewObject()
	err = errors.Join(module.Set("exports", exports), vm.Set("module", module), vm.Set("exports", exports))
	if err != nil {
		return err
	}
	if _, err := vm.RunProgram(e.bundle); err != nil {
		return err
	}
	up := findUp(vm, module.Get("exports"))
	if up == nil {
		return errors.New("it exports no function up")
	}
	var failed error
	ended := false
	done := func() { ended = true }
	fail := func(why string) { ended, failed = true, errors.New(why) }
	methods := world.ToObject(vm)
	start, _ := sobek.AssertFunction(methods.Get("start"))
	tick, _ := sobek.AssertFunction(methods.Get("tick"))
	end, _ := sobek.AssertFunction(methods.Get("end"))
	if _, err := start(sobek.Undefined(), up, vm.ToValue(done), vm.ToValue(fail)); err != nil {
		return err
	}
	for !ended {
		again, err := tick(sobek.Undefined())
		if err != nil {
			return err
		}
		if !again.ToBoolean() && !ended {
			return &abortError{"it waits for something that never happens"}
		}
	}
	if failed != nil {
		return failed
	}
	_, err = end(sobek.Undefined())
	return err
}

// findUp returns the function that a module exports as "up".
func findUp(vm *sobek.Runtime, exports sobek.Value) sobek.Value {
	for range 2 {
		object, ok := exports.(*sobek.Object)
		if !ok {
			return nil
		}
		up := object.Get("up")
		if _, ok := sobek.AssertFunction(up); ok {
			return up
		}
		if exports = object.Get("default"); exports == nil {
			return nil
		}
	}
	return nil
}

// findPlace returns the innermost place in the migration's file that is being run.
func (p *programRun) findPlace() Place {
	for _, f := range p.vm.CaptureCallStack(0, nil) {
		if strings.HasPrefix(f.SrcName(), "prelude") || f.SrcName() == "<native>" {
			continue
		}
		place := f.Position()
		if name := strings.TrimPrefix(place.Filename, "/"); strings.TrimPrefix(name, revision+":") == p.execution.job.Path {
			p.last = Place{place.Line, place.Column}
			break
		}
	}
	return p.last
}

func (p *programRun) addCall(text string) {
	c := Call{decisions: len(p.decisions)}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		p.abort("its calls are not recorded: " + err.Error())
		return
	}
	if p.calls = append(p.calls, c); len(p.calls) > mostCalls {
		p.abort(fmt.Sprintf("it makes more than %d calls", mostCalls))
	}
}

// abort ends the run; the program cannot catch that.
func (p *programRun) abort(why string) { p.vm.Interrupt(&abortError{why}) }

// choose answers a condition on an unknown value.
func (p *programRun) choose(needs string) bool {
	d := decision{answer: true, line: p.findPlace().Line}
	if needs != "" {
		_ = json.Unmarshal([]byte(needs), &d.needs) // a condition without a question otherwise
	}
	n := len(p.decisions)
	if n < len(p.answers) {
		d.answer = p.answers[n]
	}
	if p.decisions = append(p.decisions, d); n >= mostDecisions {
		p.abort("it has too many conditions on unknown values")
	}
	return d.answer
}

// readFile returns a file of the revision for the program; undefined if there is none.
func (p *programRun) readFile(name string) sobek.Value {
	found, text := p.execution.read(strings.TrimPrefix(name, "/"))
	if found == "" {
		return sobek.Undefined()
	}
	return p.vm.ToValue(text)
}
