// Package jscode reads the SQL of migrations that are programs in JavaScript or TypeScript: constant texts that the
// function "up" gives to a method such as queryRunner.query. It runs nothing. Every other use of the connection, and
// every call that runs only under a condition or in a loop, is returned as unread, with its position.
//
// The tests are in this directory; the adapters that use the package compare it with their tools.
package jscode
