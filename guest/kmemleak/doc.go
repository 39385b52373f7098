// Package kmemleak has the kernel look for objects that nothing points to any more.
//
// Its contract: the answer holds what the kernel reports after a scan that began when every object that was there when it was asked for was old
// enough. kmemleak leaves out what is younger than five seconds, and in the first scan after an object was made it only takes its
// checksum: an object that changes is in use. So there are two scans, and the second waits until the age is reached, by
// the guest's own clock. A kernel that does not scan is an error, never an empty answer.
package kmemleak
