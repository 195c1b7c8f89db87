/* Where there is no libFuzzer: plays the files and directories of files that it is given. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void play_file(const char *path)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return;
	size_t length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, length);
}

static void play(const char *path)
{
	char inner[4096];
	DIR *directory = opendir(path);
	if (directory == NULL) {
		play_file(path);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		if (entry->d_name[0] != '.' && snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) > 0)
			play_file(inner);
	closedir(directory);
}

int main(int count, char **words)
{
	for (int i = 1; i < count; i++)
		if (words[i][0] != '-')
			play(words[i]);
	return 0;
}
