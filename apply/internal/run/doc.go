// Package run has the types that all parts of a run share: its events, how an attempt ended, and the attempts at the next step.
package run
