package jsrun

import (
	"bufio"
	"encoding/json"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// childName is the name by which this program knows that it is the child.
const childName = "onward-programs"

// canRestart is set if the main function of this program calls [RunChild].
var canRestart atomic.Bool

// RunChild must be called at the beginning of a program's main function: [Run] starts the program again as the
// process in which migrations run. There it does that process's work, and does not return. Without the call no
// migration runs, and nothing is known of one.
func RunChild() {
	if os.Args[0] == childName {
		os.Exit(runChild())
	}
	canRestart.Store(true)
}

// CanRun reports whether this program can run migrations.
func CanRun() bool { return canRestart.Load() }

// Bounds of the child, in bytes.
const (
	// softMemory is when the collector works harder, mostMemory when the child ends itself, hardMemory when the kernel
	// refuses more.
	softMemory = 256 << 20
	mostMemory = 512 << 20
	hardMemory = 1 << 30
	mostStack  = 64 << 20
	// mostAnswer bounds a message, mostFileSize a file of the revision.
	mostAnswer   = 32 << 20
	mostFileSize = 4 << 20
	// mostSeconds bounds the processor time of a child.
	mostSeconds = 90
)

// Exit codes of a child that used too much memory or time.
const (
	exitMemory = 97
	exitTime   = 98
)

// request is a message to the child: a program, or the file that it asked for. reply is one from it.
type (
	request struct {
		Job  *Job   `json:"job,omitempty"`
		Name string `json:"name,omitempty"`
		Text string `json:"text,omitempty"`
	}
	reply struct {
		Ready  bool     `json:"ready,omitempty"`
		Gaps   []string `json:"gaps,omitempty"`
		Need   []string `json:"need,omitempty"`
		Result *Result  `json:"result,omitempty"`
	}
)

// runChild confines this process, and runs the programs that its parent sends.
func runChild() int {
	debug.SetMemoryLimit(softMemory)
	debug.SetGCPercent(400) // little of a program lives until its end: the collector would take a fifth of the time
	debug.SetMaxStack(mostStack)
	gaps := confineChild()
	go watchMemory()
	in, out := bufio.NewReaderSize(os.Stdin, 1<<16), json.NewEncoder(os.Stdout)
	dec := json.NewDecoder(in)
	if out.Encode(reply{Ready: true, Gaps: gaps}) != nil {
		return 1
	}
	for {
		var q request
		if dec.Decode(&q) != nil || q.Job == nil {
			return 0
		}
		var lock sync.Mutex
		result := executeJob(*q.Job, func(candidates ...string) (string, string) {
			lock.Lock()
			defer lock.Unlock()
			var a request
			if out.Encode(reply{Need: candidates}) != nil || dec.Decode(&a) != nil {
				os.Exit(1) // the parent has gone
			}
			return a.Name, a.Text
		})
		if out.Encode(reply{Result: &result}) != nil {
			return 1
		}
	}
}

// watchMemory ends this process if it uses too much memory. The interpreter has no bound of its own, and a function
// of the language that works in one piece cannot be interrupted.
func watchMemory() {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for {
		if metrics.Read(samples); samples[0].Value.Uint64()-samples[1].Value.Uint64() > mostMemory {
			os.Exit(exitMemory)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
