"""Every rule of every mapping between client protocols and GigaChat: values in, values out."""
