package jsrun

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/grafana/sobek"
	"github.com/grafana/sobek/parser"
)

// Bounds of a program. A path is one run of it, with one answer to each condition on an unknown value. A condition that
// is met more often than mostTurns gets the other answer: it may be one of a loop.
const (
	mostPaths     = 200
	mostDecisions = 200
	mostTurns     = 4
	mostCalls     = 5000
	mostFrames    = 1500
	pathTime      = time.Second
	programTime   = 4 * time.Second
)

// execution runs one bundle as often as it has paths.
type execution struct {
	job     Job
	read    fileReader
	prelude *sobek.Program
	// world is the script of the tool; nil if the prelude has its objects.
	world  *sobek.Program
	bundle *sobek.Program
	paths  int
	// until is when its processor time is used up, by [readClock]. late is set if a path was not tried because of that.
	until time.Duration
	late  bool
	// usual are the answers to conditions, by their places, if they are not yes. opposite is set if the other ones are
	// given. tried are the conditions for which both answers were tried.
	usual    map[string]bool
	opposite bool
	tried    map[string]bool
	// blocks numbers the transactions of all paths, by their places.
	blocks map[string]int
}

// executeJob bundles a program, runs it and returns what it calls.
func executeJob(j Job, read fileReader) Result {
	e, err := prepareJob(j, read)
	if err != nil {
		return Result{Why: err.Error()}
	}
	calls, err := e.explorePaths()
	if err != nil {
		return Result{Why: shortenText(err.Error())}
	}
	return Result{Calls: calls, Truncated: e.late}
}

// prepareJob bundles and compiles a program.
func prepareJob(j Job, read fileReader) (*execution, error) {
	text, err := bundleProgram(j.Path, read)
	if err != nil {
		return nil, fmt.Errorf("it is not bundled: %w", err)
	}
	e := &execution{
		job: j, read: read, until: readClock() + programTime,
		usual: map[string]bool{}, tried: map[string]bool{}, blocks: map[string]int{},
	}
	noFile := parser.WithSourceMapLoader(func(string) ([]byte, error) { return nil, errors.New("it is in no file") })
	tree, err := parser.ParseFile(nil, "/bundle.js", text, 0, noFile)
	if err != nil {
		return nil, errors.New("it is not parsed: " + shortenText(err.Error()))
	}
	rewriteProgram(tree)
	if e.bundle, err = sobek.CompileAST(tree, false); err == nil {
		e.prelude, err = compilePrelude()
	}
	if compile := worlds[j.Tool]; compile != nil && err == nil {
		e.world, err = compile()
	}
	if err != nil {
		return nil, errors.New("it is not compiled: " + shortenText(err.Error()))
	}
	return e, nil
}

func shortenText(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), 200)]
}

// timeoutError says that a program took too long. abortError says that it did something that cannot be followed, or
// exhausted a bound.
type (
	timeoutError struct{}
	abortError   struct {
		why       string
		exhausted bool
	}
)

func (*timeoutError) Error() string { return "it takes too long" }
func (e *abortError) Error() string { return e.why }

// errBudget says that no further path may be run.
var errBudget = errors.New("it has too many conditions on unknown values")

// decision is a condition on an unknown value.
type decision struct {
	answer bool
	// needs is the question whose answer the value is; its kind is "" for none.
	needs Value
	// line is in the migration's file. place is the condition, and question is it with what is asked. turn counts how
	// often it was met.
	line            int
	place, question string
	turn            int
}

// programRun is what one run did.
type programRun struct {
	execution *execution
	answers   []bool
	decisions []decision
	calls     []Call
	last      Place
	vm        *sobek.Runtime
	// aborted is set if the path was not followed to its end, failed if because of an error that the interpreter raised. turns counts
	// conditions and transactions.
	aborted, failed bool
	turns           map[string]int
	// opened are the connections with a transaction around the function that runs now, or has been resumed.
	opened []any
}

// runPath runs the program with the given answers to its first conditions, and the usual answer to each further one.
func (e *execution) runPath(answers []bool) (*programRun, error) {
	if e.paths > 0 && readClock() > e.until {
		e.late = true
		return nil, errBudget
	}
	if e.paths++; e.paths > mostPaths {
		return nil, errBudget
	}
	vm := sobek.New()
	vm.SetMaxCallStackSize(mostFrames)
	vm.SetFieldNameMapper(sobek.TagFieldNameMapper("json", true))
	vm.SetParserOptions(parser.WithDisableSourceMaps)
	p := &programRun{execution: e, answers: answers, vm: vm, turns: map[string]int{}}
	vm.SetAsyncContextTracker(p)
	defer limitTime(vm, min(readClock()+pathTime, e.until))()
	err := p.runProgram()
	var interrupted *sobek.InterruptedError
	if errors.As(err, &interrupted) {
		err, _ = interrupted.Value().(error)
	}
	var deep *sobek.StackOverflowError
	if errors.As(err, &deep) {
		err = &abortError{"its calls are nested too deep", true}
	}
	var timeout *timeoutError
	var aborted *abortError
	switch {
	case errors.As(err, &timeout) && e.paths > 1:
		e.late = true
		return nil, errBudget
	case errors.As(err, &timeout):
		e.late = true
		aborted = &abortError{timeout.Error(), true}
		fallthrough
	case errors.As(err, &aborted):
		p.aborted = true
		p.calls = append(p.calls, Call{Place: p.last, Name: "up", Unread: aborted.why, Exhausted: aborted.exhausted, decisions: len(p.decisions)})
	case err != nil:
		reason := errorWords + shortenText(err.Error())
		p.calls = append(p.calls, Call{
			Place: p.last, Name: "up", Unread: reason, NoUp: errors.Is(err, errNoUp), decisions: len(p.decisions), thrown: true,
		})
	}
	return p, nil
}

var errNoUp = errors.New("it exports no function up")

// errorWords begin the reason of a program that ends with an error.
const errorWords = "it ends with an error: "

// limitTime interrupts a program when the clock of the process is beyond a time. A function of the language that works in one piece is not
// interrupted: if the program goes on for as long as a path may, the process ends. The returned function ends that.
func limitTime(vm *sobek.Runtime, until time.Duration) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				switch used := readClock(); {
				case used > until+pathTime:
					os.Exit(exitTime)
				case used > until:
					vm.Interrupt(&timeoutError{})
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
	prelude, err := vm.RunProgram(e.prelude)
	if err != nil {
		return err
	}
	enter, _ := sobek.AssertFunction(prelude)
	host := vm.NewObject()
	for name, f := range map[string]any{
		"place": p.findPlace, "send": p.addCall, "block": p.openBlock, "abort": p.abort, "choose": p.answerCondition, "read": p.readFile,
		"enter": p.enterTransaction, "leave": p.leaveTransaction, "opened": p.listOpened,
	} {
		if err := host.Set(name, f); err != nil {
			return err
		}
	}
	makeTool := sobek.Undefined()
	if e.world != nil {
		if makeTool, err = vm.RunProgram(e.world); err != nil {
			return err
		}
	}
	world, err := enter(sobek.Undefined(), host, vm.ToValue(roots[e.job.Tool]), client, makeTool, vm.ToValue(e.job.Bare),
		vm.ToValue(e.job.Joins), vm.ToValue(e.job.Settings))
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
	methods := world.ToObject(vm)
	find, _ := sobek.AssertFunction(methods.Get("find"))
	up, err := find(sobek.Undefined(), module.Get("exports"))
	if err != nil {
		return err
	}
	if sobek.IsUndefined(up) {
		return errNoUp
	}
	var failed error
	ended := false
	done := func() { ended = true }
	fail := func(reason string, ofEngine bool) {
		ended, failed = true, errors.New(reason)
		if ofEngine {
			p.failed, failed = true, &abortError{why: errorWords + shortenText(reason)}
		}
	}
	start, _ := sobek.AssertFunction(methods.Get("start"))
	tick, _ := sobek.AssertFunction(methods.Get("tick"))
	end, _ := sobek.AssertFunction(methods.Get("end"))
	if _, err := start(sobek.Undefined(), up, vm.ToValue(done), vm.ToValue(fail)); err != nil {
		return err
	}
	for !ended {
		progress, err := tick(sobek.Undefined())
		if err != nil {
			return err
		}
		if !progress.ToBoolean() && !ended {
			return &abortError{why: "it waits for something that never happens"}
		}
	}
	if failed != nil {
		return failed
	}
	_, err = end(sobek.Undefined())
	return err
}

// findPlace returns the innermost place in the migration's file that is being run.
func (p *programRun) findPlace() Place {
	p.updatePlaces()
	return p.last
}

// updatePlaces finds the innermost place in the migration's file that is being run, and returns the innermost place of all
// files.
func (p *programRun) updatePlaces() string {
	innermost := ""
	for _, f := range p.vm.CaptureCallStack(0, nil) {
		if strings.HasPrefix(f.SrcName(), "prelude") || f.SrcName() == "<native>" {
			continue
		}
		place := f.Position()
		if innermost == "" {
			innermost = place.String()
		}
		if name := strings.TrimPrefix(place.Filename, "/"); strings.TrimPrefix(name, revision+":") == p.execution.job.Path {
			p.last = Place{place.Line, place.Column}
			break
		}
	}
	return innermost
}

// addCall keeps a call that the program made, as a text.
func (p *programRun) addCall(text string, block int, conditional, loop bool) {
	p.calls = append(p.calls, Call{
		text: text, Block: block, Conditional: conditional, Loop: loop, decisions: len(p.decisions),
	})
	if len(p.calls) > mostCalls {
		p.abort(fmt.Sprintf("it makes more than %d calls", mostCalls))
	}
}

// nextTurn returns how often something was met at a place, with this time.
func (p *programRun) nextTurn(place string) int {
	p.turns[place]++
	return p.turns[place]
}

// openBlock returns the number of a transaction that begins here. It is the same one in each path.
func (p *programRun) openBlock() int {
	place := p.updatePlaces()
	place += fmt.Sprintf(" block %d", p.nextTurn(place+" block"))
	blocks := p.execution.blocks
	if blocks[place] == 0 {
		blocks[place] = len(blocks) + 1
	}
	return blocks[place]
}

// abort ends the run; the program cannot catch that.
func (p *programRun) abort(reason string) {
	p.updatePlaces()
	p.vm.Interrupt(&abortError{reason, true})
}

// answerCondition answers a condition on an unknown value.
func (p *programRun) answerCondition(needs string) bool {
	e, place := p.execution, p.updatePlaces()
	d := decision{answer: true, line: p.last.Line, place: place, question: place + needs}
	d.turn = p.nextTurn(d.question)
	if needs != "" {
		_ = json.Unmarshal([]byte(needs), &d.needs) // a condition without a question otherwise
	}
	if usual, known := e.usual[place]; known {
		d.answer = usual
	}
	if p.nextTurn(place+" condition") > mostTurns {
		d.answer = !d.answer
	}
	if e.opposite {
		d.answer = !d.answer
	}
	n := len(p.decisions)
	if n < len(p.answers) {
		d.answer = p.answers[n]
	}
	if p.decisions = append(p.decisions, d); n >= mostDecisions {
		p.abort(errBudget.Error())
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
