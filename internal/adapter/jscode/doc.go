// Package jscode reads the SQL of migrations that are programs in JavaScript or TypeScript. It finds them, lets package jsrun run their
// function "up", and asks the tool's adapter what each call of the tool's object sends. Calls whose SQL is not known are listed, with their
// places.
package jscode
