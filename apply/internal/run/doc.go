// Package run has the words of a run: its events, how an attempt ended, and the attempts at the next step.
package run
