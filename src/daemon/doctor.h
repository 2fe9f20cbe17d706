/* `postrider doctor`: is this machine fit for the daemon, and is the daemon well? */
#ifndef DAEMON_DOCTOR_H
#define DAEMON_DOCTOR_H

/*
 * Takes the options of serve and its settings file. Changes nothing but a file that it makes and deletes in the data
 * folder. 0: nothing is wrong (there may be warnings); 1: something is; 2: the command line or a setting is wrong.
 */
int cmd_doctor(int argc, char **argv);

#endif
