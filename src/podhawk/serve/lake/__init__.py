"""The lake of the service: files of the inbox become files of the lake, which go when they are old."""
