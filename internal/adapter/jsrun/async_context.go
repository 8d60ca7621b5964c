package jsrun

import "slices"

// Grab returns the transactions around the function that waits now. With Resumed and Exited it implements [sobek.AsyncContextTracker].
func (p *programRun) Grab() any { return p.opened }

// Resumed goes on with a function that has waited.
func (p *programRun) Resumed(opened any) { p.opened, _ = opened.([]any) }

// Exited ends a function that was resumed, until it waits again.
func (p *programRun) Exited() { p.opened = nil }

// enterTransaction begins a function that gets a transaction on a connection.
func (p *programRun) enterTransaction(connection int) {
	p.opened = append(slices.Clip(p.opened), connection)
}

// leaveTransaction ends it, or its part up to its first wait.
func (p *programRun) leaveTransaction() { p.opened = p.opened[:max(len(p.opened)-1, 0)] }

// listOpened returns the connections with a transaction around the function that runs.
func (p *programRun) listOpened() any { return p.vm.NewArray(p.opened...) }
